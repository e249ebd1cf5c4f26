// The report: one page that needs nothing else.

import Foundation
import SottoDecoding

/// Writes a comparison as HTML that is well-formed XML, too, utterance by utterance: memory does not grow with their number but for
/// their counts.
public struct ReportWriter {
  public let comparison: Comparison
  public let scoring: Scoring
  public let variants: [Scoring.Entry]
  public let conditions: [Condition]
  /// Bytes that audio and spectrograms may take in the page.
  public var mediaLimit = 20_000_000

  public init(
    _ comparison: Comparison, scoring: Scoring, variants: [Scoring.Entry], conditions: [Condition]
  ) {
    self.comparison = comparison
    self.scoring = scoring
    self.variants = variants
    self.conditions = conditions
  }

  private var first: Condition { conditions.first ?? .clean }

  /// - Throws: what `write` throws.
  public func write(_ write: (String) throws -> Void) throws {
    try write(head)
    let tables = ReportTables(comparison: comparison)
    try write("<main><section><h2>Results</h2>\n" + tables.results + note + "</section>\n")
    try write(Charts(comparison: comparison, latencies: latencies()).html)
    try write(tables.wrongWords)
    try write(controls)
    let errors = try writeData(write)
    try writeMedia(errors, write)
    try write(
      "<script>//<![CDATA[\n\(Self.resource(PackageResources.report_js))\n//]]></script>\n</body></html>\n")
  }

  private static func resource(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Frame

  private var head: String {
    let setting = comparison.setting
    let count = "\(setting.utterances) utterance\(setting.utterances == 1 ? "" : "s")"
    let minutes = String(format: "%.1f min", setting.seconds / 60)
    let title = "\(variants.count) variant\(variants.count == 1 ? "" : "s") on \(count)"
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>\(title.escaped) · sotto compare</title>
      <style>\(Self.resource(PackageResources.report_css))</style></head><body>
      <header><h1>\(title.escaped)</h1>
      <p class="soft">\(minutes) of audio from \(setting.corpus.joined(separator: ", ").escaped), on \(setting.machine.escaped).
      sotto \(setting.version.escaped).</p>
      <pre>\(setting.command.escaped)</pre></header>

      """
  }

  private var note: String {
    let setting = comparison.setting
    var parts = [
      "WER and CER count errors over all utterances together, with 95 % bootstrap intervals; p is the paired bootstrap against the first variant.",
      setting.normalized
        ? "Texts are compared after the normaliser." : "Texts are compared as they are written.",
      "RTF and CPU are computing time on the clock and of all cores, a second of audio.",
    ]
    if comparison.rows.contains(where: { $0.finalText != nil || $0.firstText != nil }) {
      parts.append(
        "Latency is what a listener in real time would have waited: from the start of speech to its first text, and from its end to the final text. Revised: words shown and taken back, for 100 that stayed."
      )
    }
    return "<p class=\"soft small\">\(parts.joined(separator: " ").escaped)</p>\n"
  }

  private var controls: String {
    let options = variants.enumerated().map {
      "<option value=\"\($0.offset)\">\($0.element.label.escaped)</option>"
    }
    let hasTexts = scoring.corpus.hasTexts
    return """
      <section><h2>Utterances</h2>
      <div class="controls">
      <label class="wide">Search<input id="search" type="search" placeholder="words or names ( / )"/></label>
      <label>Sort by<select id="sort"><option value="errors">most errors</option><option value="spread">differing most</option><option value="longest">longest</option><option value="order">order</option></select></label>
      <label>Errors of<select id="focus"><option value="-1">all variants</option>\(options.joined())</select></label>
      \(conditionChoice)
      <label class="check"><input id="wrong" type="checkbox"/>only with errors</label>
      </div>
      <p class="key"><span id="status" role="status"></span><span><del>not heard</del></span><span><ins>not said</ins></span><span class="sub"><s>said</s>heard instead</span><span>\(hasTexts ? "compared with the reference" : "compared with the first variant") · keys: / j k Enter</span></p>
      <ol class="list card" id="list"></ol>
      <button class="more" id="more" type="button" hidden="">Show more</button>
      <noscript><p>The list of utterances needs scripts.</p></noscript></section></main>
      <footer>Made by sotto compare. Everything is in this file; nothing is loaded from elsewhere.</footer>

      """
  }

  private var conditionChoice: String {
    guard conditions.count > 1 else { return "" }
    let options = conditions.enumerated().map {
      "<option value=\"\($0.offset)\">\($0.element.label.escaped)</option>"
    }
    return "<label>Heard<select id=\"under\">\(options.joined())</select></label>"
  }

  // MARK: Latencies

  private func latencies() -> [(first: [Double], final: [Double])] {
    variants.map { entry in
      var (firsts, finals): ([Double], [Double]) = ([], [])
      for utterance in scoring.corpus.utterances {
        guard let live = scoring.measurement(entry, first, of: utterance)?.live else { continue }
        firsts += live.first
        finals += live.final
      }
      return (firsts.sorted(), finals.sorted())
    }
  }

  // MARK: Utterances

  private struct Item: Encodable {
    /// Number, id, seconds, reference, what each variant heard under each condition.
    let i: Int
    let id: String
    let d: Double
    let t: String?
    let c: [[Heard?]]
  }

  private struct Heard: Encodable {
    /// Errors, text, steps, words with times, why it failed.
    let e: Int
    let x: String
    let s: [Step]?
    let w: [SpokenWord]
    let f: String?
  }

  /// A word that both have, or a pair of which one may be missing.
  private enum Step: Encodable {
    case same(String)
    case different(String?, String?)

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .same(let word):
        var container = encoder.singleValueContainer()
        try container.encode(word)
      case .different(let reference, let heard):
        var list = encoder.unkeyedContainer()
        try list.encode(reference)
        try list.encode(heard)
      }
    }
  }

  /// Writes what each variant heard of each utterance. The errors of all variants together, by utterance.
  private func writeData(_ write: (String) throws -> Void) throws -> [Int] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func json(_ value: some Encodable) throws -> String {
      // Within a page, and within XML.
      String(decoding: try encoder.encode(value), as: UTF8.self)
        .replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing("&", with: "\\u0026")
        .replacing("\u{FFFE}", with: "\u{FFFD}").replacing("\u{FFFF}", with: "\u{FFFD}")
    }
    try write(
      "<script type=\"application/json\" id=\"data\">{\"variants\":\(try json(variants.map(\.label))),\"items\":[\n"
    )
    var errors: [Int] = []
    for (index, utterance) in scoring.corpus.utterances.enumerated() {
      let item = item(index, utterance)
      errors.append((item.c.first ?? []).reduce(0) { $0 + ($1?.e ?? 0) })
      try write((index > 0 ? ",\n" : "") + json(item))
    }
    try write("\n]}</script>\n")
    return errors
  }

  private func item(_ index: Int, _ utterance: Utterance) -> Item {
    let heard = conditions.map { condition -> [Heard?] in
      let measurements = variants.map { scoring.measurement($0, condition, of: utterance) }
      let reference = utterance.text ?? measurements.first??.text ?? ""
      return measurements.map { measurement in
        measurement.map { self.heard($0, reference: reference) }
      }
    }
    return Item(
      i: index, id: utterance.id, d: (utterance.duration * 100).rounded() / 100, t: utterance.text, c: heard)
  }

  private func heard(_ measurement: UtteranceMeasurement, reference: String) -> Heard {
    let score = WordErrorRate(
      reference: reference, hypothesis: measurement.text, normalizer: scoring.normalizer)
    return Heard(
      e: score.words.errors, x: measurement.text, s: Self.steps(score), w: measurement.words,
      f: measurement.error)
  }

  private static func steps(_ score: WordErrorRate) -> [Step] {
    score.alignment.steps.map { step in
      switch step {
      case .match(let row, _): .same(score.reference[row])
      case .substitution(let row, let column): .different(score.reference[row], score.hypothesis[column])
      case .deletion(let row): .different(score.reference[row], nil)
      case .insertion(let column): .different(nil, score.hypothesis[column])
      }
    }
  }

  // MARK: Media

  /// Sound and picture of utterances, those with most errors first, until the limit is reached.
  private func writeMedia(_ errors: [Int], _ write: (String) throws -> Void) throws {
    var left = mediaLimit
    let order = errors.indices.sorted { (errors[$1], $0) < (errors[$0], $1) }
    for index in order where left > 0 {
      let utterance = scoring.corpus.utterances[index]
      guard utterance.duration * Media.bytesPerSecond <= Double(left), let media = try? Media(utterance),
        media.size <= left
      else { continue }
      left -= media.size
      if let audio = media.audio {
        try write("<script type=\"text/plain\" id=\"a\(index)\">\(audio)</script>\n")
      }
      try write("<script type=\"text/plain\" id=\"p\(index)\">\(media.picture)</script>\n")
    }
  }
}
