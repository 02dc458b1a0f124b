internal import RealModule
internal import TensorMath

/// One row of `interactions.csv`.
struct SampleEvent: Sendable {
  let user: UInt32
  let item: UInt32
  /// Seconds since 1970.
  let time: UInt32
  let kind: UInt8
  let rating: UInt8

  static let kinds = ["view", "cart", "purchase"]
}

/// Users with tastes over the hidden styles, who come in sessions and prefer what others like too.
struct SampleBehavior {
  let shop: SampleShop
  /// Items that can be met, per style and, last, of all styles.
  private let shelves: [SampleShelf]
  private let night: Int
  /// 1 January 2025, 00:00 UTC: thirty days before the first night.
  private static let start = 1_735_689_600

  /// - Parameter products: everything that was in the shop on the day before `night`.
  init(shop: SampleShop, night: Int, products: [SampleOffer]) {
    self.shop = shop
    self.night = night
    var shelves = [SampleShelf](repeating: SampleShelf(), count: SampleStyle.all.count + 1)
    for product in products {
      shelves[Int(product.style)].add(product)
      shelves[SampleStyle.all.count].add(product)
    }
    self.shelves = shelves
  }

  /// The night's events in the order of their time; the first night's are those of thirty days.
  func events() -> [SampleEvent] {
    let chunks = sampleMap(count: shop.parameters.users, size: 256) { users in
      var events: [SampleEvent] = []
      for user in users { appendEvents(of: user, to: &events) }
      return events
    }
    // Swift's sort is stable: events of one second keep their order.
    return chunks.flatMap(\.self).sorted { ($0.time, $0.user) < ($1.time, $1.user) }
  }

  private func appendEvents(of user: Int, to events: inout [SampleEvent]) {
    guard let everything = shelves.last, !everything.isEmpty else { return }
    var person = RandomSource(seed: shop.parameters.seed ^ 0x75736572, stream: UInt64(user))
    let tastes = (0..<3).map { _ in Int.random(in: 0..<SampleStyle.all.count, using: &person) }
    let activity = 0.35 + 2.2 * Double(person.nextUniform() * person.nextUniform())
    let loyalty = 0.6 + 0.35 * person.nextUniform()

    var random = RandomSource(seed: shop.parameters.seed ^ 0x646179, stream: UInt64(user) << 12 | UInt64(night))
    let share = night == 1 ? 1 : shop.parameters.dailyInteractionFraction
    // A session has three interactions on average.
    let expected = shop.parameters.interactionsPerUser * share * activity / 0.9 / 3
    let sessions = Int(expected + Double(random.nextUniform()))
    for _ in 0..<sessions {
      let style = tastes[min(2, Int(3 * random.nextUniform() * random.nextUniform() * 1.5))]
      var time = sessionStart(&random)
      repeat {
        let isLoyal = random.nextUniform() < loyalty && !shelves[style].isEmpty
        let item = (isLoyal ? shelves[style] : everything).pick(&random)
        events.append(event(user: user, item: item, time: time, isLiked: isLoyal, &random))
        time += 20 + Int.random(in: 0..<160, using: &random)
      } while random.nextUniform() < 2 / 3.0
    }
  }

  /// A second of the period; people come mostly in the afternoon and evening.
  private func sessionStart(_ random: inout RandomSource) -> Int {
    let day = night == 1 ? Int.random(in: 0..<30, using: &random) : 28 + night
    let hour = max(random.nextUniform(), random.nextUniform()) * 23
    return Self.start + day * 86_400 + Int(hour * 3600)
  }

  private func event(
    user: Int, item: UInt32, time: Int, isLiked: Bool, _ random: inout RandomSource
  ) -> SampleEvent {
    let luck = random.nextUniform()
    let kind = isLiked ? (luck < 0.6 ? 0 : luck < 0.82 ? 1 : 2) : (luck < 0.88 ? 0 : luck < 0.96 ? 1 : 2)
    let rating = isLiked ? [4, 5, 5, 3, 4][Int(luck * 4.99)] : [2, 3, 1, 3, 4][Int(luck * 4.99)]
    return SampleEvent(
      user: UInt32(user), item: item, time: UInt32(time), kind: UInt8(kind), rating: UInt8(rating))
  }
}

/// What behavior needs to know of an item.
struct SampleOffer: Sendable {
  let index: UInt32
  let style: UInt8
  let popularity: Float
}

/// Items that are picked in proportion to their popularity.
private struct SampleShelf {
  private var items: [UInt32] = []
  private var cumulative: [Double] = []

  var isEmpty: Bool { items.isEmpty }

  mutating func add(_ offer: SampleOffer) {
    items.append(offer.index)
    cumulative.append((cumulative.last ?? 0) + Double(offer.popularity))
  }

  func pick(_ random: inout RandomSource) -> UInt32 {
    let target = Double(random.next() >> 11) * 0x1p-53 * (cumulative.last ?? 0)
    var (low, high) = (0, items.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    return items[low]
  }
}
