internal import TensorMath

/// The threads that the program uses, for the command line and manifests.
public enum RunThreads {
  public static var current: Int { Parallelism.threadCount }

  /// Sets the threads of every loop; 0 is all cores.
  public static func set(_ count: Int) {
    Parallelism.threadCount = count > 0 ? count : Parallelism.availableCores
  }
}
