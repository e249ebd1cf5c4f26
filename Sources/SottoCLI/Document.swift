// One document of output: a format's writer and the place that its text goes to.

import Sotto
import SottoFormats

/// Passes text on at once where it streams to a reader, and otherwise recording by recording, so that what failed
/// part way leaves nothing behind.
final class Document {
  private var writer: any TranscriptFormat
  private let output: any Output
  private let isStreaming: Bool
  private var pending = ""
  private var hasStarted = false
  private var hasContent = false

  init(_ format: TranscriptFormatName, options: FormatOptions, output: any Output, isStreaming: Bool) {
    writer = format.writer(options)
    self.output = output
    self.isStreaming = isStreaming
  }

  func begin(_ label: RecordingLabel) throws { try append(writer.begin(label)) }

  func segment(_ segment: Segment, of label: RecordingLabel) throws {
    try append(writer.segment(segment, of: label))
  }

  func partial(_ partial: PartialResult, of label: RecordingLabel) throws {
    try append(writer.partial(partial, of: label))
  }

  func end(_ transcript: Transcript, of label: RecordingLabel, warning: String?) throws {
    try append(writer.end(transcript, of: label, warning: warning))
    hasContent = true
    try flush()
  }

  /// Forgets what the recording wrote, unless it has been read already.
  func fail(_ message: String, of label: RecordingLabel) throws {
    pending = ""
    let text = writer.fail(message, of: label)
    guard !text.isEmpty else { return }
    try append(text)
    try flush()
  }

  /// Ends the document. A file without a single recording does not appear.
  func finish() throws {
    let end = writer.finish()
    guard hasStarted else { return output.discard() }
    try output.write(end)
    if hasContent { try output.commit() } else { output.discard() }
  }

  private func append(_ text: String) throws {
    pending += text
    if isStreaming { try flush() }
  }

  private func flush() throws {
    if !hasStarted {
      hasStarted = true
      pending = writer.start() + pending
    }
    try output.write(pending)
    pending = ""
  }
}
