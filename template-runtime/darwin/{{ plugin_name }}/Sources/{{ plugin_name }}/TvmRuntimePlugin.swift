// Owned by the template: `copier update` may rewrite it, do not edit.

import tvm_runtime

#if os(iOS)
  import Flutter
#elseif os(macOS)
  import FlutterMacOS
#endif

/// Brings the one TVM runtime into the app. Plugins with models find it there.
public final class TvmRuntimePlugin: NSObject, FlutterPlugin {
  /// What Flutter calls when the app starts.
  public static func register(with registrar: FlutterPluginRegistrar) {
    // A function that is called is what makes every linker keep the runtime.
    var version = TVMFFIVersion()
    TVMFFIGetVersion(&version)
  }
}
