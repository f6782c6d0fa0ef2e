// Owned by the template: `copier update` may rewrite it, do not edit.

import 'bindings.dart';

/// What went wrong. Codes never change their meaning.
enum TvmErrorCode {
  /// No component, input or method of that name.
  unknown(tvmPluginUnknown),

  /// An input is missing.
  missing(tvmPluginMissing),

  /// An input is given twice.
  duplicate(tvmPluginDuplicate),

  /// A tensor's element type is wrong.
  dtype(tvmPluginDtype),

  /// A tensor's shape is wrong.
  shape(tvmPluginShape),

  /// An index input points outside its table.
  outOfRange(tvmPluginOutOfRange),

  /// Two libraries in the process claim one prefix.
  prefixTaken(tvmPluginPrefixTaken),

  /// The plugin was compiled for another TVM than the runtime's.
  pin(tvmPluginPin),

  /// The library holds no compiled functions.
  notRegistered(tvmPluginNotRegistered),

  /// The library's metadata is wrong.
  metadata(tvmPluginMetadata),

  /// TVM raised an error.
  runtime(tvmPluginRuntime),

  /// A tensor's memory is shared and cannot be written.
  notWritable(tvmPluginNotWritable),

  /// A method's argument is of the wrong type, or there are too many or too few.
  argument(tvmPluginArgument),

  /// The plugin's own code panicked.
  panicked(tvmPluginPanicked),

  /// A handle is in use by another thread.
  busy(tvmPluginBusy),

  /// A plugin was called in a way that its C interface does not allow.
  invalid(tvmPluginInvalid),

  /// An error of the model's own.
  model(tvmPluginModel),

  /// A library cannot be used: missing, damaged, of another version, or without TVM beside it.
  library,

  /// The model or session was closed before the call.
  closed,

  /// The isolate that runs the model ended before it answered.
  worker;

  const TvmErrorCode([this.number]);

  /// Its number in `tvm_plugin_code`; null for the codes that only Dart has.
  final int? number;

  /// The code with a [number] of `tvm_plugin_code`.
  static TvmErrorCode of(int number) =>
      values.firstWhere((code) => code.number == number, orElse: () => invalid);
}

/// What went wrong, and what mends it.
final class TvmException implements Exception {
  /// An exception with a [code], a [message] and a [mend].
  const TvmException(this.code, this.message, this.mend);

  /// Which error it is.
  final TvmErrorCode code;

  /// What is wrong, in words for the one who has to mend it.
  final String message;

  /// The edit or command that mends it; may be empty.
  final String mend;

  @override
  String toString() => mend.isEmpty ? message : '$message. $mend';
}
