internal import Foundation

/// One moment of a step, as text.
public struct ProgressLine: Sendable, Equatable {
  public var stage: String
  public var step: String
  public var completed: Int
  public var total: Int
  public var unit: String
  /// What else is worth watching; empty for nothing.
  public var detail: String

  public init(stage: String, step: String, completed: Int, total: Int, unit: String, detail: String = "") {
    self.stage = stage
    self.step = step
    self.completed = completed
    self.total = total
    self.unit = unit
    self.detail = detail
  }

  /// The step, named with its stage.
  public var title: String { "\(stage): \(step)" }

  private var fraction: Double { total > 0 ? min(1, Double(completed) / Double(total)) : 0 }

  /// For a terminal: `encode: embedding  ███████▌      42 %  1,200 items/s  3 s left`
  /// - Parameter columns: of the terminal; a longer line would wrap, and could not be written over.
  public func bar(seconds: Double, columns: Int = .max) -> String {
    let width = 24
    let eighths = Int(fraction * Double(width * 8))
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let filled = String(repeating: "█", count: eighths / 8) + partial
    let rest = String(repeating: " ", count: max(0, width - filled.count))
    let line = "\(title)  \(filled)\(rest) \(percent)\(rateAndRest(seconds))\(ending)"
    return String(line.prefix(max(1, columns - 1)))
  }

  /// The same for a log.
  public func plain(seconds: Double) -> String {
    "\(title): \(completed) of \(total) \(unit), \(percent)\(rateAndRest(seconds))\(ending)"
  }

  private var ending: String { detail.isEmpty ? "" : "; \(detail)" }

  private var percent: String { "\(Int(fraction * 100)) %" }

  private func rateAndRest(_ seconds: Double) -> String {
    guard seconds > 0.2, completed > 0 else { return "" }
    let rate = Double(completed) / seconds
    let left = total > completed ? ", \(Self.duration(Double(total - completed) / rate)) left" : ""
    return ", \(speed(rate))\(left)"
  }

  /// What takes longer than a second each is told by the seconds it takes.
  private func speed(_ rate: Double) -> String {
    if rate >= 10 { return "\(Int(rate)) \(unit)/s" }
    return rate >= 1 ? String(format: "%.1f \(unit)/s", rate) : "\(Self.duration(1 / rate)) each"
  }

  /// `12 ms`, `3.4 s`, `2 min 5 s`, `1 h 3 min`.
  public static func duration(_ seconds: Double) -> String {
    // What would be rounded to a thousand, or to sixty, is told by the next larger unit.
    if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 59.95 { return String(format: "%.1f s", seconds) }
    let whole = Int(min(seconds.rounded(), 1e9))
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
