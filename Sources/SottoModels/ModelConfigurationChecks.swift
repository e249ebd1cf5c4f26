// Whether a model's configuration can be right.

extension ModelConfiguration {
  /// What cannot be right, in words; nil where everything is plausible.
  ///
  /// The bounds are far above any model of this kind. They keep all sizes that are computed from the configuration
  /// far from overflow, and the memory that they ask for below a few gigabytes.
  var implausibility: String? {
    featuresImplausibility ?? stacksImplausibility ?? windowImplausibility ?? streamingImplausibility
      ?? baseImplausibility ?? vocabularyImplausibility ?? quantizationImplausibility
  }

  /// The first check that fails.
  private func failure(_ checks: [(isRight: Bool, text: String)]) -> String? {
    checks.first { !$0.isRight }?.text
  }

  private var featuresImplausibility: String? {
    failure([
      (format >= 1, "format \(format)"),
      (features.sampleRate >= 1000 && features.sampleRate <= 384_000, "sample rate \(features.sampleRate)"),
      (
        features.windowLength >= 2 && features.windowLength <= 65_536,
        "window of \(features.windowLength) samples"
      ),
      (features.hop >= 1 && features.hop <= features.windowLength, "hop of \(features.hop) samples"),
      (features.melBands >= 1 && features.melBands <= 1024, "\(features.melBands) mel bands"),
      (
        features.floor.map { $0.isFinite && abs($0) <= 10 } ?? true,
        "floor of the features \(features.floor ?? 0)"
      ),
    ])
  }

  private var stacksImplausibility: String? {
    var stacks = [
      ("encoder", encoder.layers, encoder.width, encoder.heads, encoder.feedForward, encoder.positions)
    ]
    if let decoder {
      if encoder.width != decoder.width { return "widths of encoder and decoder that differ" }
      stacks.append(
        ("decoder", decoder.layers, decoder.width, decoder.heads, decoder.feedForward, decoder.positions))
    }
    for (name, layers, width, heads, feedForward, positions) in stacks {
      let reason = failure([
        (layers >= 1 && layers <= 256, "\(name) of \(layers) layers"),
        (width >= 1 && width <= 16_384, "\(name) of width \(width)"),
        (
          heads >= 1 && heads <= width && width % max(heads, 1) == 0,
          "\(heads) heads in the \(name)'s width \(width)"
        ),
        (feedForward >= 1 && feedForward <= 1 << 18, "feed-forward width \(feedForward) in the \(name)"),
        (positions >= 1 && positions <= 1 << 20, "\(positions) positions in the \(name)"),
      ])
      if let reason { return reason }
      if layers * width * positions > 1 << 28 {
        return "\(name) of \(layers) layers, width \(width) and \(positions) positions"
      }
    }
    for pair in decoder?.alignmentHeads ?? [] {
      guard pair.count == 2, (0..<(decoder?.layers ?? 0)).contains(pair[0]),
        (0..<(decoder?.heads ?? 0)).contains(pair[1])
      else { return "alignment head \(pair)" }
    }
    return nil
  }

  /// The window that recordings are padded to.
  private var windowImplausibility: String? {
    if family.isStreaming {
      return encoder.window == nil && encoder.paddingStride == nil ? nil : "a window in a streaming encoder"
    }
    guard let window = encoder.window else { return "“encoder.window” is missing" }
    // The second convolution halves the number of frames.
    let frames = window * Double(features.sampleRate) / Double(2 * features.hop)
    let stride = encoder.paddingStride ?? 1
    return failure([
      (window.isFinite && window >= 0 && window <= 3600, "window of \(window) s"),
      ((1...4096).contains(stride), "padding stride \(stride)"),
      (
        frames <= Double(encoder.positions) + 1,
        "window of \(window) s with \(encoder.positions) positions in the encoder"
      ),
    ])
  }

  private var streamingImplausibility: String? {
    guard let streaming, let recurrent else { return nil }
    let chunks = streaming.chunks
    return failure([
      (features.floor != nil, "“features.floor” is missing"),
      (encoder.width % 2 == 0, "odd width \(encoder.width) of an encoder with sinusoidal positions"),
      (recurrent.layers >= 1 && recurrent.layers <= 64, "\(recurrent.layers) recurrent layers"),
      (recurrent.width >= 1 && recurrent.width <= 16_384, "recurrent width \(recurrent.width)"),
      (recurrent.stack >= 1 && recurrent.stack <= 64, "stack of \(recurrent.stack) states"),
      (
        !chunks.isEmpty && chunks.count <= 64 && chunks.allSatisfy { (1...4096).contains($0) }
          && zip(chunks, chunks.dropFirst()).allSatisfy { $0 < $1 },
        "chunks \(chunks)"
      ),
      // Stacked states must not come from two chunks.
      (
        chunks.allSatisfy { $0 % max(recurrent.stack, 1) == 0 },
        "chunks \(chunks) in stacks of \(recurrent.stack)"
      ),
      (chunks.contains(streaming.chunk), "chunk \(streaming.chunk), which is none of \(chunks)"),
      (streaming.left >= 0 && streaming.left <= 1 << 16, "\(streaming.left) frames before a chunk"),
      (
        (0...4096).contains(streaming.lookahead ?? 0),
        "\(streaming.lookahead ?? 0) frames after a chunk"
      ),
    ])
  }

  /// What stands on another model.
  private var baseImplausibility: String? {
    guard let base else { return nil }
    var widths: [Int] = []
    if let transducer { widths = [transducer.embedding, transducer.predictor, transducer.inner] }
    if let mocha { widths = [mocha.embedding, mocha.predictor, mocha.inner, mocha.energy] }
    return failure([
      (
        // In the same folder, and nowhere else.
        !base.file.isEmpty && base.file.utf8.count <= 255 && !base.file.contains { $0 == "/" || $0 == "\0" }
          && base.file != "." && base.file != "..",
        "base “\(base.file)”, which is no name of a file"
      ),
      (widths.allSatisfy { (1...16_384).contains($0) }, "\(family.rawValue) of widths \(widths)"),
      ((1...4096).contains(mocha?.window ?? 1), "window of \(mocha?.window ?? 1) rows"),
    ])
  }

  private var vocabularyImplausibility: String? {
    guard vocabulary.size >= 2, vocabulary.size <= 1 << 22 else {
      return "vocabulary of \(vocabulary.size) tokens"
    }
    guard let special = vocabulary.special else { return nil }
    let named = [
      special.endOfText, special.startOfTranscript, special.startOfPrevious, special.noSpeech,
      special.noTimestamps, special.firstTimestamp,
    ]
    for id in named + special.suppressed + special.suppressedAtStart
    where !(0..<vocabulary.size).contains(id) {
      return "token \(id) in a vocabulary of \(vocabulary.size)"
    }
    return nil
  }

  private var quantizationImplausibility: String? {
    for (name, coding) in quantization {
      let isRight =
        !coding.planes.isEmpty && coding.planes.count == coding.rows.count
        && coding.planes.allSatisfy { (1...8).contains($0) }
        && coding.rows.allSatisfy { (1...(1 << 24)).contains($0) }
        && coding.planes.count <= 64 && (1...(1 << 24)).contains(coding.inputs)
        && (1...coding.inputs).contains(coding.group)
      if !isRight { return "coding of the tensor “\(name)”" }
    }
    return nil
  }
}

extension ModelFile {
  /// A part of the configuration that only models of some families have.
  ///
  /// - Throws: `ModelError.family` where the model is of another one.
  public func part<Part>(
    _ part: KeyPath<ModelConfiguration, Part?>, of families: ModelConfiguration.Family...
  )
    throws -> Part
  {
    guard let found = configuration[keyPath: part], families.contains(configuration.family) else {
      throw ModelError.family(
        path: path, family: configuration.family.rawValue, needed: families.map(\.rawValue))
    }
    return found
  }
}
