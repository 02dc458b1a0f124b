import Recommenders

/// The code and the message of the error that a body throws, as `code: message`; nil where it throws none.
func refusal(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as RecommenderError {
    return "\(error.code): \(error.message)"
  } catch {
    return "another error: \(error)"
  }
}
