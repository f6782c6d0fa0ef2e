// Owned by the template: `copier update` may rewrite it, do not edit.

import 'checks.dart';
import 'connection.dart';
import 'specs.dart';
import 'tensor.dart';

/// An open model, in an isolate of its own.
///
/// Calls may be made without waiting for those before: they run one after the other, in order, and
/// none of them on the isolate that made it. A model that is not closed ends when nothing refers to
/// it any more, or with the isolate that opened it.
final class TvmModel {
  /// Wraps a [_connection]; apps get models from `TvmPlugin.openModel`.
  TvmModel(this._connection, this._methods) {
    _connection.closeWith(this);
  }

  final Connection _connection;
  final List<TvmMethod> _methods;

  /// Whether [close] was called.
  bool get isClosed => _connection.isClosed;

  /// Calls a [method] of the plugin's `rust/src/api.rs`.
  ///
  /// [arguments] and the result are null, bool, int, double, String, Uint8List, `TvmTensor`, or a
  /// List of these. The method's name and the arguments' types are checked before anything is sent;
  /// tensors are copied into TVM's memory before this returns, so that they may be changed at once.
  ///
  /// Throws a `TvmException`: what the checks or the model find wrong; `closed` after [close];
  /// `worker` when the model's isolate ends before it answers.
  Future<Object?> call(String method, [List<Object?> arguments = const []]) async {
    if (!isClosed) checkArguments(_methods, method, arguments);
    return _connection.call(method, arguments);
  }

  /// A tensor of zeros in TVM's memory, to be written in place and passed to [call]: it is not copied.
  ///
  /// It may be written and passed again and again, but not written while a call that it was passed to
  /// waits for its answer: that call would see some of the old elements and some of the new ones.
  /// Integers are copied all the same, since they may be indices. It outlives the model.
  ///
  /// Throws a `TvmException`: `closed` after [close]; `shape` for a negative extent or a size beyond
  /// all bounds; `invalid` for more memory than there is.
  TvmTensor allocate(TvmDtype dtype, List<int> shape) => _connection.allocate(dtype, shape);

  /// Closes the model after the calls that were made before; those after it fail.
  ///
  /// Completes when its memory is given back. May be called any number of times.
  Future<void> close() => _connection.close();
}
