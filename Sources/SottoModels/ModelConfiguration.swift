// The JSON configuration in a model file's metadata.

/// Everything about a model that is not a tensor. Stored as JSON under the key `sotto` of the safetensors metadata.
///
/// Parts that only some families have are optional here; a file must have those of its family, and is refused without
/// them (`ModelConfigurationChecks`).
public struct ModelConfiguration: Sendable, Hashable, Codable {
  /// The newest `format` that this code reads.
  public static let currentFormat = 1

  /// Version of this description; a file with a newer one is refused.
  public var format = ModelConfiguration.currentFormat
  /// Name of the model, for example `tiny.en`.
  public var name: String
  /// How scores become text.
  public var family: Family
  /// Licence of the weights (SPDX identifier) and where they come from.
  public var licence: String
  public var source: String
  public var features: Features
  public var encoder: Encoder
  /// How a streaming encoder is cut into chunks: `ctc`, `rnnt`, `mocha`.
  public var streaming: Streaming?
  /// The layers between a streaming encoder and the scores: `ctc`, `rnnt`, `mocha`.
  public var recurrent: Recurrent?
  /// The file that holds a model's encoder and recurrent layers, whose shapes are repeated here: `rnnt`, `mocha`.
  public var base: Base?
  /// Predictor and joiner of `rnnt`.
  public var transducer: Transducer?
  /// The decoder of `mocha`.
  public var mocha: MoChA?
  /// The decoder of `attention`.
  public var decoder: Decoder?
  public var vocabulary: Vocabulary
  /// Tensors in binary coding, by name.
  public var quantization: [String: TensorCoding] = [:]

  public enum Family: String, Sendable, Hashable, Codable {
    /// Attention encoder-decoder, for recordings (Whisper).
    case attention
    /// Connectionist temporal classification on a streaming encoder.
    case ctc
    /// A transducer (RNN-T) on a model of the family `ctc`.
    case rnnt
    /// Monotonic chunkwise attention (MoChA) on a model of the family `ctc`.
    case mocha

    /// Whether audio can be recognised as it arrives.
    public var isStreaming: Bool { self != .attention }
  }

  public struct Features: Sendable, Hashable, Codable {
    public var sampleRate: Int
    public var windowLength: Int
    public var hop: Int
    public var melBands: Int
    /// Lowest value in log₁₀ of energy; nil for one that depends on the loudest of the utterance. Streams need it.
    public var floor: Float?
  }

  public struct Encoder: Sendable, Hashable, Codable {
    public var layers: Int
    public var width: Int
    public var heads: Int
    public var feedForward: Int
    /// Positions after the convolutions, 50 a second: the longest input, or where those of a stream begin again.
    public var positions: Int
    /// Length in seconds that the input is padded to with silence, as the weights need it; nil for streams.
    public var window: Double?
    /// Positions of that silence that may be merged into one (`AudioEncoder`); nil for 1.
    public var paddingStride: Int?
  }

  /// Attention of a frame to all of its chunk, and to some frames before and after it; frames are encoder states, 50 a second.
  public struct Streaming: Sendable, Hashable, Codable {
    /// Lengths of chunks that the weights know, in frames, rising.
    public var chunks: [Int]
    /// The one that is used unless another is asked for.
    public var chunk: Int
    /// Frames before a chunk that its frames attend to.
    public var left: Int
    /// Frames after a chunk that its frames attend to; nil for none. The chunk is computed when they have come.
    public var lookahead: Int?
  }

  /// Recurrent layers (LSTM) over the encoder's states.
  public struct Recurrent: Sendable, Hashable, Codable {
    /// Neighbouring states that make one input.
    public var stack: Int
    public var layers: Int
    public var width: Int
  }

  /// A model file in the same folder.
  public struct Base: Sendable, Hashable, Codable {
    /// Name of the file.
    public var file: String
    /// Of its tensors (`TensorFile.fingerprint`).
    public var fingerprint: String
  }

  public struct Transducer: Sendable, Hashable, Codable {
    /// Width of the predictor's embedding of pieces.
    public var embedding: Int
    /// Width of the predictor's recurrent layer (LSTM).
    public var predictor: Int
    /// Width within the joiner.
    public var inner: Int
  }

  public struct MoChA: Sendable, Hashable, Codable {
    /// Width of the embedding of pieces.
    public var embedding: Int
    /// Width of the recurrent layer (LSTM) over them.
    public var predictor: Int
    /// Width before the output.
    public var inner: Int
    /// Width in which stops and attention are decided.
    public var energy: Int
    /// Rows that are attended to, the one of the stop included.
    public var window: Int
  }

  public struct Decoder: Sendable, Hashable, Codable {
    public var layers: Int
    public var width: Int
    public var heads: Int
    public var feedForward: Int
    /// The longest sequence of tokens, prompt included.
    public var positions: Int
    /// Pairs [layer, head] of the cross-attention that follow time.
    public var alignmentHeads: [[Int]]
  }

  /// Token ids with a meaning; the texts themselves are the tensors `vocabulary.bytes` (U8) and
  /// `vocabulary.lengths` (U8, [size]).
  public struct Vocabulary: Sendable, Hashable {
    /// Texts. The classes of streaming models are one more: class 0 is the blank, piece i is class i + 1.
    public var size: Int
    /// The special tokens of `attention`.
    public var special: SpecialTokens?
  }

  public struct SpecialTokens: Sendable, Hashable, Codable {
    public var endOfText: Int
    public var startOfTranscript: Int
    public var startOfPrevious: Int
    public var noSpeech: Int
    public var noTimestamps: Int
    /// The id of `<|0.00|>`; the ids above it follow in steps of 0.02 s to the end of the vocabulary.
    public var firstTimestamp: Int
    public var suppressed: [Int]
    public var suppressedAtStart: [Int]
  }

  /// How one tensor is coded.
  public struct TensorCoding: Sendable, Hashable, Codable {
    /// Planes of each segment of rows (one segment, unless rows have different widths).
    public var planes: [Int]
    /// Rows of each segment.
    public var rows: [Int]
    public var inputs: Int
    /// Inputs that share a scale; `inputs` for a scale a row.
    public var group: Int
    /// Whether second moments of the inputs were used.
    public var calibrated: Bool
    /// ‖W − Ŵ‖ / ‖W‖.
    public var relativeError: Double
  }

  enum CodingKeys: String, CodingKey {
    case format, name, family, licence, source, features, encoder, streaming, recurrent, base, transducer
    case mocha, decoder, vocabulary, quantization
  }
}
