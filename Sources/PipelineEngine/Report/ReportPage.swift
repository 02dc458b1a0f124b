/// Draws a report as one HTML file that needs nothing else.
public struct ReportPage {
  let data: ReportData

  public init(_ data: ReportData) { self.data = data }

  /// The whole page.
  public func html() -> String { "" }
}
