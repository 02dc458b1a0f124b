public import ItemCatalog

/// Chooses one of several text encoders for each item, by rules of which the first that matches wins.
public struct TextRouter: Sendable, Equatable {
  /// What an item must be like. A condition is `{ script: Arabic }` or `{ script: [Arabic, Hebrew] }`.
  public struct Condition: Sendable, Hashable, CustomStringConvertible {
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

    /// The scripts' names in alphabetical order: `Arabic, Hebrew`.
    public var description: String { scripts.map(\.rawValue).sorted().joined(separator: ", ") }
  }

  /// One rule: what it takes, and the string that its encoder sees of an item, whose script decides.
  public struct Rule: Sendable, Equatable {
    /// Nil for the last rule's, which takes what no other took.
    public var condition: Condition?
    public var template: TextTemplate

    public init(_ condition: Condition?, template: TextTemplate = .textOrTitle) {
      self.condition = condition
      self.template = template
    }
  }

  /// In order; not empty.
  public let rules: [Rule]

  /// - Parameter rules: Only the last may be without a condition. Where it has one too, an item that no rule takes has
  ///   no route.
  /// - Throws: `invalidParameter` for a rule that no item can reach.
  public init(_ rules: [Rule]) throws(EncoderError) {
    guard !rules.isEmpty else { throw EncoderError(.invalidParameter, "a list of text models has at least one") }
    for index in rules.indices {
      if let problem = Self.problem(of: index, in: rules.map(\.condition)) {
        throw EncoderError(.invalidParameter, "text model \(index + 1) of \(rules.count): \(problem)")
      }
    }
    self.rules = rules
  }

  /// Why a rule can never be used, or makes those after it so; nil where it is sound.
  ///
  /// - Parameter conditions: Those of all rules, in order.
  public static func problem(of index: Int, in conditions: [Condition?]) -> String? {
    guard let condition = conditions[index] else {
      return index == conditions.count - 1
        ? nil : "has no 'when', so those after it are never used; put it last or give it one"
    }
    guard !condition.scripts.isEmpty else { return "is never used: its 'when' names no script" }
    let seen = conditions[..<index].reduce(into: Set<Script>()) { $0.formUnion($1?.scripts ?? []) }
    return condition.scripts.isSubset(of: seen) ? "is never used: rules before it take \(condition)" : nil
  }

  /// The route of an item: of the rules in order, the first that matches; nil where none does. Depends on the item's
  /// text alone.
  public func route(of item: Item) -> Int? {
    var last: (template: TextTemplate, script: Script?)?
    return rules.firstIndex { rule in
      guard let condition = rule.condition else { return true }
      if last?.template != rule.template {
        last = (rule.template, ScriptDetector.dominantScript(of: rule.template(item)))
      }
      return last?.script.map(condition.scripts.contains) ?? false
    }
  }
}
