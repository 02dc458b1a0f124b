/// The keys of the section `pairs`.
extension PipelineSchema {
  static let pairs: [ConfigurationKey] = [
    ConfigurationKey(
      "window", .section(pairWindow), "What may be learned from; the rest is held out. Default: { leaveLast: 1 }."),
    ConfigurationKey(
      "maxEventsPerUser", .integer(2...1_000_000), "Of each user, the latest so many events count. Default: 4096."),
    ConfigurationKey(
      "swing", .section(swing),
      "Pairs that many pairs of users share who share little else. Mined where the section "
        + "is there, or where no source has one."),
    ConfigurationKey(
      "nearby", .section(nearby),
      "Pairs that users met within a few steps. Mined where the section is there, or where no source has one."),
    ConfigurationKey(
      "userToItem", .section(userToItem),
      "Of what a user had met before an item, the one most like it by item vectors that a two-tower model learns on the "
        + "training window. Mined where the section is there."),
    ConfigurationKey("filters", .section(pairFilters), "Which pairs are dropped."),
  ]

  static let pairWindow: [ConfigurationKey] = [
    ConfigurationKey(
      "leaveLast", .integer(0...1000), "Hold out each user's last so many events; 0 holds out nothing."),
    ConfigurationKey("until", .number(-1e15...1e15), "Learn from what happened before this timestamp."),
    ConfigurationKey("fraction", .number(0.01...0.999), "Learn from the first share of all events by timestamp."),
  ]

  private static let swing: [ConfigurationKey] = [
    ConfigurationKey(
      "alpha", .number(0...1e6), "The larger, the less it counts against users that they share more. Default: 5."),
    ConfigurationKey("neighbors", .integer(1...1000), "Pairs per item. Default: 20."),
    ConfigurationKey("itemsPerUser", .integer(2...10_000), "The latest of each user that count. Default: 30."),
    ConfigurationKey("usersPerItem", .integer(2...4096), "Drawn of each item's users. Default: 150."),
  ]

  private static let nearby: [ConfigurationKey] = [
    ConfigurationKey("steps", .integer(1...50), "The largest distance in a user's sequence. Default: 3."),
    ConfigurationKey("neighbors", .integer(1...1000), "Pairs per item, the heaviest. Default: 100."),
  ]

  private static let userToItem: [ConfigurationKey] =
    [
      ConfigurationKey(
        "history", .integer(1...1000), "Events before the target, the latest, that its trigger may be. Default: 50."),
      ConfigurationKey(
        "minimumSimilarity", .number(-1...1), "The least cosine of a pair. Default: -1, which keeps all."),
    ] + itemModel + twoTowerModel

  private static let pairFilters: [ConfigurationKey] = [
    ConfigurationKey("minimumSupport", .integer(1...1_000_000), "Users that a pair must rest on. Default: 1."),
    ConfigurationKey(
      "popularityQuantile", .number(0.01...1),
      "Drop pairs with an item that has more users than this share of the items. Default: 1, which keeps all."),
    ConfigurationKey(
      "category", .text,
      "An attribute whose value must be the same in both items; items without it fit all. Default: none."),
    ConfigurationKey(
      "pairsPerTarget", .integer(1...1_000_000),
      "Pairs of each source that an item may be the target of, the heaviest. Default: any number."),
  ]
}
