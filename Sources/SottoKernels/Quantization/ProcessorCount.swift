// The number of cores.

import Foundation

enum ProcessorCount {
  /// Cores that this process may use, at least 1.
  static var active: Int { max(ProcessInfo.processInfo.activeProcessorCount, 1) }
}
