public import BehaviorAlignment

extension PipelineConfiguration {
  /// What the `pairs` stage mines.
  public struct Pairs: Sendable {
    public var window: TrainingWindow
    public var maximumEventsPerUser: Int
    /// Nil where the source is not mined; likewise for the next two.
    public var swing: SwingMiner.Parameters?
    public var nearby: NearbyMiner.Parameters?
    public var userToItem: UserToItem?
    public var filters: PairFilters
    /// The attribute whose value must be the same in both items of a pair.
    public var categoryAttribute: String?
  }

  /// What the schema cannot say of `pairs`.
  func checkPairs(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    guard pairs != nil, let section = root.section("pairs") else { return }
    if catalog.interactions.isEmpty {
      validator.report(
        root.lines["pairs"] ?? 1, "'pairs' needs a behavior log: name one with 'catalog.interactions'")
    }
    if let window = section.section("window"), window.values.count != 1 {
      validator.report(
        section.lines["window"] ?? 1, "pairs.window: expected exactly one of leaveLast, until and fraction")
    }
  }
}

extension PipelineConfiguration.Pairs {
  init(_ section: CheckedSection, seed: UInt64) {
    window = TrainingWindow(section.section("window") ?? CheckedSection())
    maximumEventsPerUser =
      section.integer("maxEventsPerUser") ?? InteractionHistory.Parameters().maximumEventsPerUser
    let namesNone = !section.has("swing") && !section.has("nearby") && !section.has("userToItem")
    swing = namesNone ? .init() : nil
    if let settings = section.section("swing") {
      var parameters = SwingMiner.Parameters()
      if let value = settings.number("alpha") { parameters.alpha = Float(value) }
      if let value = settings.integer("neighbors") { parameters.neighbors = value }
      if let value = settings.integer("itemsPerUser") { parameters.itemsPerUser = value }
      if let value = settings.integer("usersPerItem") { parameters.usersPerItem = value }
      swing = parameters
    }
    swing?.seed = seed
    nearby = namesNone ? .init() : nil
    if let settings = section.section("nearby") {
      var parameters = NearbyMiner.Parameters()
      if let value = settings.integer("steps") { parameters.steps = value }
      if let value = settings.integer("neighbors") { parameters.neighbors = value }
      nearby = parameters
    }
    userToItem = section.section("userToItem").map { UserToItem($0, seed: seed) }
    filters = PairFilters()
    let settings = section.section("filters")
    if let value = settings?.integer("minimumSupport") { filters.minimumSupport = value }
    if let value = settings?.number("popularityQuantile") { filters.popularityQuantile = value }
    filters.pairsPerTarget = settings?.integer("pairsPerTarget")
    categoryAttribute = settings?.text("category")
  }

  var stageInputs: [StageInput] {
    var inputs = [
      StageInput(name: "pairs.window", value: "\(window)"),
      StageInput(name: "pairs.maxEventsPerUser", value: "\(maximumEventsPerUser)"),
      StageInput(
        name: "pairs.swing",
        value: swing.map {
          "alpha \($0.alpha), neighbors \($0.neighbors), itemsPerUser \($0.itemsPerUser), "
            + "usersPerItem \($0.usersPerItem), seed \($0.seed)"
        } ?? "none"),
      StageInput(
        name: "pairs.nearby", value: nearby.map { "steps \($0.steps), neighbors \($0.neighbors)" } ?? "none"),
    ]
    inputs += [
      StageInput(name: "pairs.filters.minimumSupport", value: "\(filters.minimumSupport)"),
      StageInput(name: "pairs.filters.popularityQuantile", value: "\(filters.popularityQuantile)"),
      StageInput(name: "pairs.filters.category", value: categoryAttribute ?? "none"),
      StageInput(name: "pairs.filters.pairsPerTarget", value: filters.pairsPerTarget.map { "\($0)" } ?? "any"),
    ]
    return inputs + (userToItem?.stageInputs ?? [])
  }
}

extension TrainingWindow {
  init(_ section: CheckedSection) {
    if let time = section.number("until") {
      self = .until(time)
    } else if let share = section.number("fraction") {
      self = .fraction(share)
    } else {
      let count = section.integer("leaveLast") ?? 1
      self = count == 0 ? .everything : .leaveLast(count)
    }
  }
}
