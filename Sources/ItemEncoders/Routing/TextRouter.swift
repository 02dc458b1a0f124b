public import ItemCatalog

/// Chooses one of several text encoders for each item, by rules of which the first that matches wins.
public struct TextRouter: Sendable, Equatable {
  /// What an item must be like. A condition is `{ script: Arabic }` or `{ script: [Arabic, Hebrew] }`.
  public struct Condition: Sendable, Hashable {
    /// The scripts of which the item's text must have one as its dominant one; not empty.
    public var scripts: Set<Script>

    public init(scripts: Set<Script>) { self.scripts = scripts }

    /// From the names of scripts as a pipeline file has them.
    public init(scriptNames: [String]) throws(EncoderError) {
      scripts = []
      for name in scriptNames {
        guard let script = Script(named: name) else {
          let known = Script.ofTexts.map(\.rawValue).joined(separator: ", ")
          throw EncoderError(.invalidParameter, "there is no script \"\(name)\" to route by; choose among \(known)")
        }
        scripts.insert(script)
      }
    }
  }

  /// One per route, in order; nil is the last one's, which takes what no other took.
  public let conditions: [Condition?]

  /// - Parameter conditions: what each route takes, first match first. The last, and only the last, is nil, so that
  ///   every item has a route.
  public init(_ conditions: [Condition?]) throws(EncoderError) {
    guard let last = conditions.last, last == nil else {
      throw EncoderError(
        .invalidParameter, "the last of a list of text models must have no `when`: it takes what no other rule takes")
    }
    var seen: Set<Script> = []
    for (index, condition) in conditions.dropLast().enumerated() {
      guard let condition else {
        throw EncoderError(
          .invalidParameter,
          "text model \(index + 1) of \(conditions.count) has no `when`, so those after it are never used; "
            + "put it last or give it one")
      }
      guard !condition.scripts.isSubset(of: seen) else {
        let names = condition.scripts.map(\.rawValue).sorted().joined(separator: ", ")
        throw EncoderError(
          .invalidParameter,
          "text model \(index + 1) of \(conditions.count) is never used: "
            + (names.isEmpty ? "its `when` names no script" : "rules before it take \(names)"))
      }
      seen.formUnion(condition.scripts)
    }
    self.conditions = conditions
  }

  /// The route of a text: of the rules in order, the first that matches. Depends on the text alone.
  public func route(of text: String) -> Int {
    guard conditions.count > 1 else { return 0 }
    let script = ScriptDetector.dominantScript(of: text)
    return conditions.firstIndex { condition in
      guard let condition else { return true }
      return script.map(condition.scripts.contains) ?? false
    } ?? conditions.count - 1
  }

  /// The route of an item, by the string that its text encoder is to see.
  public func route(of item: Item, template: TextTemplate = .textOrTitle) -> Int { route(of: template(item)) }

  /// The routes of some items and how many items each route has; one count per route.
  public func routes(of items: [Item], template: TextTemplate = .textOrTitle) -> (routes: [Int], counts: [Int]) {
    var counts = [Int](repeating: 0, count: conditions.count)
    let routes = items.map { item in
      let route = route(of: item, template: template)
      counts[route] += 1
      return route
    }
    return (routes, counts)
  }
}
