// Owned by the template: `copier update` may rewrite it, do not edit.

/// The one TVM runtime of an app, and the Dart side of its model plugins.
///
/// A `TvmPlugin` describes a plugin's library and opens its model, whose methods are those of its
/// `rust/src/api.rs`, or a session over one of its compiled components. Each open model or session
/// has an isolate of its own, so that no call holds up the app.
library;

export 'src/errors.dart' show TvmErrorCode, TvmException;
export 'src/model.dart' show TvmModel;
export 'src/pins.dart' show TvmPins;
export 'src/plugin.dart' show TvmPlugin;
export 'src/runtime.dart' show TvmRuntime;
export 'src/session.dart' show TvmSession;
export 'src/specs.dart' show TvmArgument, TvmComponent, TvmDimension, TvmMethod, TvmTensorSpec;
export 'src/tensor.dart' show TvmDtype, TvmTensor;
