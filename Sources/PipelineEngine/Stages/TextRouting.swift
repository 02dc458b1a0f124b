internal import BehaviorAlignment
internal import ItemCatalog
internal import ItemEncoders
internal import SemanticIDStore

/// Chooses tonight's encoder of each text, and counts the items that get none.
struct TextRouting {
  private let router: TextRouter
  /// By route from 1: the representation that stays from nights before was fitted without any text of it, so that its
  /// vectors would all come out alike.
  private let unfitted: Set<Int>
  /// Items whose text no rule takes.
  private(set) var withoutRoute = 0
  /// Items whose text belongs to a route that the representation does not know, by route.
  private(set) var withUnfittedRoute: [Int: Int] = [:]

  /// Nil where the pipeline has one encoder for all texts.
  init?(_ context: RunContext) throws {
    guard let text = context.configuration.encode?.text, text.isRouted else { return nil }
    router = try text.router()
    let night = try context.requireNight()
    guard night.representation == .frozen, let base = night.base,
      let fingerprint = try context.generation(base)?.artifacts["representation"]
    else {
      unfitted = []
      return
    }
    let path = context.workspace.model(fingerprint)
    let isKnown: (String) -> Bool
    if context.configuration.align != nil {
      let names = try Aligner(contentsOf: path).configuration.modalities.map(\.name)
      isKnown = { names.contains($0) }
    } else {
      let unknown = try RepresentationModel(contentsOf: path).unfittedModalities
      isKnown = { !unknown.contains($0) }
    }
    unfitted = Set(EncoderRole.all(context.configuration).filter { !isKnown($0.name) }.compactMap(\.route))
  }

  /// The routes of items, from 1; nil for one that has no route to take.
  ///
  /// - Parameter items: nil for those without text, which are not counted.
  mutating func routes(of items: [Item?]) -> [Int?] {
    items.map { item in
      guard let item else { return nil }
      guard let route = router.route(of: item).map({ $0 + 1 }) else {
        withoutRoute += 1
        return nil
      }
      guard !unfitted.contains(route) else {
        withUnfittedRoute[route, default: 0] += 1
        return nil
      }
      return route
    }
  }

  /// Tells a person of the items whose text is not used.
  func warnAboutItemsWithoutRoute(_ context: RunContext) {
    if withoutRoute > 0 {
      context.observer.observe(
        .warning(
          "the texts of \(withoutRoute) items match no rule of encode.text and are not used; a last rule without 'when' "
            + "would take them"))
    }
    for (route, count) in withUnfittedRoute.sorted(by: { $0.key < $1.key }) {
      context.observer.observe(
        .warning(
          "the texts of \(count) items take text route \(route), of which the representation knows no texts yet, and are "
            + "not used; fit it anew with --force represent, which changes all IDs"))
    }
  }
}
