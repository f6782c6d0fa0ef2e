// Owned by the template: `copier update` may rewrite it, do not edit.

/// The one TVM runtime of an app, and the Dart side of its model plugins.
library;

export 'src/model.dart' show TvmModel, TvmPlugin;
export 'src/pins.dart' show TvmPins;
export 'src/runtime.dart' show TvmRuntime;
export 'src/values.dart' show TvmDtype, TvmException, TvmTensor;
