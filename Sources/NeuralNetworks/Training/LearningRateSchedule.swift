internal import RealModule

/// The learning rate of every step.
public struct LearningRateSchedule: Sendable, Equatable, Codable {
  /// The rate after warm-up.
  public var peak: Float
  /// Steps over which the rate rises in a line from peak / warmupSteps to the peak; 0 for none.
  public var warmupSteps: Int
  /// The step by which a cosine has brought the rate to `floor` (Loshchilov and Hutter, 2017, equation 5); nil for a
  /// rate that stays at its peak.
  public var decaySteps: Int?
  /// What the cosine ends at.
  public var floor: Float

  public static func constant(_ rate: Float, warmupSteps: Int = 0) -> LearningRateSchedule {
    LearningRateSchedule(peak: rate, warmupSteps: warmupSteps, decaySteps: nil, floor: rate)
  }

  /// - Parameter steps: of the whole training, warm-up included.
  public static func warmupCosine(
    peak: Float, warmupSteps: Int, steps: Int, floor: Float = 0
  ) -> LearningRateSchedule {
    LearningRateSchedule(peak: peak, warmupSteps: warmupSteps, decaySteps: steps, floor: floor)
  }

  /// - Parameter step: counted from 0. Beyond the end the rate stays at `floor`.
  public func rate(at step: Int) -> Float {
    precondition(step >= 0, "steps are counted from 0")
    if step < warmupSteps { return peak * Float(step + 1) / Float(warmupSteps) }
    guard let decaySteps else { return peak }
    guard step < decaySteps else { return floor }
    let share = Double(step - warmupSteps) / Double(max(1, decaySteps - warmupSteps))
    return floor + (peak - floor) * Float(0.5 * (1 + Double.cos(.pi * share)))
  }
}
