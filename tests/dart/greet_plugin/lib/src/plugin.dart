/// Called by Flutter before `main`.
abstract final class GreetPlugin {
  /// Whether that has happened.
  static bool registered = false;

  static void registerWith() => registered = true;
}
