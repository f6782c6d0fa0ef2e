// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';
import 'dart:typed_data';

import 'package:ffi/ffi.dart';

import 'bindings.dart';
import 'codec.dart';
import 'errors.dart';
import 'tensor.dart';

/// A plugin's functions and finalizers in this isolate.
final class NativePlugin {
  /// The functions of [library] that start with [prefix].
  NativePlugin(DynamicLibrary library, String prefix)
    : functions = TvmPluginFunctions(library, prefix);

  /// The functions of the C interface.
  final TvmPluginFunctions functions;

  late final NativeFinalizer _holds = NativeFinalizer(functions.mailboxCloseAddress);

  /// What tensors over this plugin's memory know it by.
  final Object _lender = Object();

  /// Calls [run] with a place for an error, and throws what it leaves there.
  void check(Pointer<Pointer<TvmPluginError>> place, int Function() run) {
    place.value = nullptr;
    final code = run();
    if (code == tvmPluginOk) return;
    final error = place.value;
    if (error == nullptr) throw TvmException(TvmErrorCode.of(code), 'error $code', '');
    final exception = TvmException(
      TvmErrorCode.of(error.ref.code),
      error.ref.message.cast<Utf8>().toDartString(),
      error.ref.mend.cast<Utf8>().toDartString(),
    );
    functions.errorFree(error);
    throw exception;
  }
}

/// One isolate's hold on a native mailbox: on an open model or component and on the tensors on
/// their way to it and from it. See `tvm_plugin.h`.
///
/// An isolate may be killed at any moment, as in a hot restart. Then its finalizers run, and nothing
/// else does: no `finally`, no message. So a finalizer is attached to a number before there is
/// anything under the number, and whatever a call needs belongs to the hold.
final class Mailbox implements Finalizable {
  Mailbox._(this.plugin) : number = plugin.functions.mailboxNumber() {
    plugin._holds.attach(this, Pointer.fromAddress(number), detach: this);
  }

  /// Makes a mailbox.
  factory Mailbox.open(NativePlugin plugin) {
    final made = Mailbox._(plugin);
    _checkCode(plugin.functions.mailboxOpen(made.number, nullptr));
    return made;
  }

  /// Takes hold of the mailbox that [other] holds, in another isolate.
  ///
  /// Throws a [TvmException] if that isolate has let go.
  factory Mailbox.join(NativePlugin plugin, int other) {
    final made = Mailbox._(plugin);
    _checkCode(plugin.functions.mailboxJoin(made.number, other, nullptr));
    return made;
  }

  static void _checkCode(int code) {
    if (code == tvmPluginOk) return;
    throw TvmException(TvmErrorCode.of(code), 'the isolate that opened the model has ended', '');
  }

  /// The plugin that it is of.
  final NativePlugin plugin;

  /// The number of this hold.
  final int number;

  TvmPluginFunctions get _functions => plugin.functions;

  /// Lets go.
  void close() {
    // In this order: killed in between, the finalizer finds nothing to do.
    _functions.mailboxClose(Pointer.fromAddress(number));
    plugin._holds.detach(this);
  }

  /// Opens the [component], or the model where it is null. Blocks until that is done.
  void start(String? component) {
    final name = component ?? '';
    final lent = _lend(ValueEncoder.sizeOfText(name));
    final text = ValueEncoder(lent.rest).text(name);
    if (component == null) text.ref.data = nullptr;
    plugin.check(lent.error, () => _functions.mailboxStart(number, text.ref, lent.error));
  }

  /// Calls a [method] of the model, or runs the component. Blocks until that is done.
  ///
  /// Tensors are [Ticket]s, among the [arguments] and in the result.
  Object? call(String method, List<Object?> arguments) {
    final lent = _lend(ValueEncoder.sizeOfText(method) + ValueEncoder.sizeOfAll(arguments));
    final encoder = ValueEncoder(lent.rest);
    final name = encoder.text(method).ref;
    final values = encoder.all(arguments);
    final result = lent.out.cast<Pointer<TvmPluginValue>>();
    plugin.check(
      lent.error,
      () => _functions.mailboxCall(number, name, values, arguments.length, result, lent.error),
    );
    return decode(result.value.ref);
  }

  /// The ticket under which a call finds a [tensor]; `owned` says that it must be freed after that.
  ///
  /// Copies the tensor, unless its memory is this plugin's. Integers that may be written are copied
  /// all the same: the range of indices is checked before a component reads them, and an index that
  /// changed in between would end the process.
  ({Ticket ticket, bool owned}) put(TvmTensor tensor) {
    final known = ticketOf(tensor, plugin._lender);
    if (known != null) return (ticket: Ticket(known), owned: false);
    final ticket = _new(tensor.dtype, tensor.shape);
    final view = _view(ticket, _lend(0));
    if (view.bytes > 0) view.data.cast<Uint8>().asTypedList(view.bytes).setAll(0, tensor.bytes);
    return (ticket: ticket, owned: true);
  }

  /// A tensor of zeros in this plugin's memory, which may be written.
  TvmTensor allocate(TvmDtype dtype, List<int> shape) {
    final tensor = _wrap(_new(dtype, shape));
    tensor.bytes.fillRange(0, tensor.bytes.length, 0);
    return tensor;
  }

  /// Bytes up to which a result is copied: that takes less time than a finalizer does, and less
  /// memory, since what a finalizer needs lives until Dart collects its old generation.
  static const int _small = 4096;

  Ticket _new(TvmDtype dtype, List<int> extents) {
    final rank = extents.length;
    final lent = _lend(rank * sizeOf<Int64>());
    final shape = lent.rest.cast<Int64>();
    for (final (axis, extent) in extents.indexed) {
      shape[axis] = extent;
    }
    final out = lent.out.cast<UintPtr>();
    plugin.check(
      lent.error,
      () => _functions.ticketNew(number, dtype.number, shape, rank, out, lent.error),
    );
    return Ticket(out.value);
  }

  /// The tensor of a [ticket], not to be written: without a copy, unless the copy is cheaper. It lives
  /// as long as the tensor's data in Dart.
  TvmTensor take(Ticket ticket) => _wrap(ticket, readOnly: true);

  TvmTensor _wrap(Ticket ticket, {bool readOnly = false}) {
    final lent = _lend(0);
    final view = _view(ticket, lent);
    final dtype = TvmDtype.of(view.dtype);
    final shape = [for (var axis = 0; axis < view.rank; axis++) view.shape[axis]];
    if (view.bytes == 0 || readOnly && view.bytes <= _small) {
      final copy = Uint8List(view.bytes);
      if (view.bytes > 0) copy.setAll(0, view.data.cast<Uint8>().asTypedList(view.bytes));
      free(ticket);
      return TvmTensor(dtype, shape, copy.asUnmodifiableView());
    }
    final bytes = view.data.cast<Uint8>().asTypedList(
      view.bytes,
      finalizer: _functions.ticketFreeAddress,
      token: Pointer.fromAddress(ticket.number),
    );
    plugin.check(lent.error, () => _functions.ticketKeep(number, ticket.number, lent.error));
    if (!readOnly && !dtype.isFloat) return TvmTensor(dtype, shape, bytes);
    return lentTensor(
      lender: plugin._lender,
      ticket: ticket.number,
      dtype: dtype,
      shape: shape,
      bytes: readOnly ? bytes.asUnmodifiableView() : bytes,
    );
  }

  /// Gives a [ticket] back.
  void free(Ticket ticket) => _functions.ticketFree(Pointer.fromAddress(ticket.number));

  TvmPluginTensorView _view(Ticket ticket, Lent lent) {
    plugin.check(lent.error, () => _functions.ticketView(ticket.number, lent.view, lent.error));
    return lent.view.ref;
  }

  /// Memory for a call, with [size] bytes for its arguments.
  Lent _lend(int size) {
    final memory = _functions.mailboxScratch(number, Lent.fixed + size);
    if (memory == nullptr) {
      throw TvmException(
        TvmErrorCode.invalid,
        'there is no memory for the $size bytes of a call\'s arguments',
        'Pass large data as tensors',
      );
    }
    return Lent(memory);
  }
}
