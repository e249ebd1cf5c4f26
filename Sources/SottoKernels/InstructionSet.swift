// The table of C functions that this process computes with.

import CSottoKernels

/// The kernels of one instruction set. `best` is chosen once, at first use.
public struct InstructionSet: Sendable, Equatable, CustomStringConvertible {
  // The tables are constants of the C library: never written, never freed.
  nonisolated(unsafe) private let table: UnsafePointer<sotto_kernels>

  /// The best that the processor has, or the one that the environment variable `SOTTO_ISA` names.
  public static let best = InstructionSet(table: sotto_kernels_default())

  /// All that this build knows and this processor has, best first.
  public static var supported: [InstructionSet] {
    var names = sotto_kernel_names()
    var found: [InstructionSet] = []
    while let name = names?.pointee {
      if let table = sotto_kernels_named(name) { found.append(InstructionSet(table: table)) }
      names = names?.advanced(by: 1)
    }
    return found
  }

  private init(table: UnsafePointer<sotto_kernels>) { self.table = table }

  public var description: String { String(cString: table.pointee.name) }

  /// A copy of the table; where time counts, functions are called through `pointer`.
  var kernels: sotto_kernels { table.pointee }

  /// This set, or where its layout cannot hold groups of this size, the next one that can.
  func forGroups(of group: Int, inputs: Int) -> InstructionSet {
    if group >= inputs || group % kernels.group_step == 0 { return self }
    let others = Self.supported.drop { $0 != self }.dropFirst()
    return others.first { group % $0.kernels.group_step == 0 } ?? self
  }

  /// Up to this many columns look-up is faster than expansion; 0 where there is no look-up.
  func mostLookupColumns(planes: Int, _ precision: ProductPrecision) -> Int {
    let limits = pointer.pointee.most_lookup_columns[planes - 1]
    return Int(precision == .fast ? limits.0 : limits.1)
  }
  var pointer: UnsafePointer<sotto_kernels> { table }
}

// Function pointers and constants: nothing of it is ever written.
// swift-format-ignore: AvoidRetroactiveConformances
extension sotto_kernels: @retroactive @unchecked Sendable {}
