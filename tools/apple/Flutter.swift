// What Flutter's iOS framework declares of a plugin, as far as the templates use it. Debian's Swift
// has no Foundation for iOS, so that NSObject, which comes with the real framework, is here too.

open class NSObject {
  public init() {}
}

public protocol FlutterPluginRegistrar: AnyObject {}

public protocol FlutterPlugin: NSObject {
  static func register(with registrar: FlutterPluginRegistrar)
}
