// Owned by the template: `copier update` may rewrite it, do not edit.

import 'checks.dart';
import 'connection.dart';
import 'specs.dart';
import 'tensor.dart';

/// An open component, in an isolate of its own: tensors in, tensors out.
///
/// Runs may be started without waiting for those before: they go one after the other, in order, and
/// none of them on the isolate that started it. A session that is not closed ends when nothing
/// refers to it any more, or with the isolate that opened it.
final class TvmSession {
  /// Wraps a [_connection]; apps get sessions from `TvmPlugin.openSession`.
  TvmSession(this._connection, this.component) {
    _connection.closeWith(this);
  }

  final Connection _connection;

  /// What it runs: names, element types and shapes of its inputs and outputs.
  final TvmComponent component;

  /// Whether [close] was called.
  bool get isClosed => _connection.isClosed;

  /// Runs the component on [inputs] by name; the result is its outputs by name.
  ///
  /// Names, element types and shapes are checked before anything is sent: fixed extents, and those
  /// of one name for being the same and in bounds. Inputs are copied into TVM's memory before this
  /// returns, except for tensors that this plugin returned, which are not copied at all. Outputs are
  /// TVM's own memory: see [TvmTensor].
  ///
  /// Throws a `TvmException`: what the checks or TVM find wrong; `closed` after [close]; `worker`
  /// when the session's isolate ends before it answers.
  Future<Map<String, TvmTensor>> run(Map<String, TvmTensor> inputs) async {
    if (!isClosed) checkInputs(component, inputs);
    final outputs = await _connection.call('', [
      for (final MapEntry(key: name, value: tensor) in inputs.entries) ...[name, tensor],
    ]);
    return {
      for (final (position, tensor) in (outputs! as List<Object?>).indexed)
        component.outputs[position].name: tensor! as TvmTensor,
    };
  }

  /// A tensor of zeros in TVM's memory, to be written in place and passed to [run]: it is not copied.
  ///
  /// It may be written and passed again and again, but not written while a call that it was passed to
  /// waits for its answer: that call would see some of the old elements and some of the new ones.
  /// Integers are copied all the same, since they may be indices. It outlives the session.
  ///
  /// Throws a `TvmException`: `closed` after [close]; `shape` for a negative extent or a size beyond
  /// all bounds; `invalid` for more memory than there is.
  TvmTensor allocate(TvmDtype dtype, List<int> shape) => _connection.allocate(dtype, shape);

  /// Closes the session after the runs that were started before; those after it fail.
  ///
  /// Completes when its memory is given back. May be called any number of times.
  Future<void> close() => _connection.close();
}
