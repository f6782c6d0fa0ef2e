// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:convert';
import 'dart:ffi';

import 'package:ffi/ffi.dart';

import 'native.dart';
import 'values.dart';

/// A model plugin's library.
final class TvmPlugin {
  /// Opens the library of the plugin [name], whose symbols start with [prefix].
  ///
  /// [directory] is the folder that holds the library, next to TVM's; by default the app's own,
  /// which is right in a Flutter app. Throws an [ArgumentError] when it is not there, and a
  /// [TvmException] when it was built for another version of this package.
  factory TvmPlugin.open(String name, {required String prefix, String? directory}) {
    final path = directory == null ? '' : '$directory/';
    final plugin = NativePlugin(DynamicLibrary.open('${path}lib$name.so'), prefix);
    final abi = plugin.abiVersion();
    if (abi != pluginAbi) {
      throw TvmException(
        Code.invalid,
        '$name has interface version $abi, tvm_runtime_flutter has $pluginAbi',
        'Update the older of the two and build it again',
      );
    }
    return TvmPlugin._(plugin);
  }

  TvmPlugin._(this._plugin);

  final NativePlugin _plugin;
  late final NativeFinalizer _finalizer = NativeFinalizer(_plugin.modelClose);

  /// What the library holds: components, inputs and outputs, versions (`system_lib.json`).
  late final Map<String, Object?> metadata =
      jsonDecode(utf8.decode(ValueCodec.readBytes(_plugin.metadata()))) as Map<String, Object?>;

  /// Opens the plugin's model. Throws a [TvmException].
  TvmModel openModel() => using((arena) {
    final handle = arena<Pointer<Void>>();
    ValueCodec(_plugin, arena).check((error) => _plugin.modelOpen(handle, error));
    return TvmModel._(_plugin, handle.value, _finalizer);
  });
}

/// An open model.
///
/// A call runs on the calling isolate until it is done, so an app that must not miss a frame opens
/// and calls its model in an isolate of its own.
final class TvmModel implements Finalizable {
  TvmModel._(this._plugin, this._handle, this._finalizer) {
    _finalizer.attach(this, _handle, detach: this);
  }

  final NativePlugin _plugin;
  final Pointer<Void> _handle;
  final NativeFinalizer _finalizer;
  bool _closed = false;

  /// Calls a method of the plugin's `rust/src/api.rs`.
  ///
  /// Arguments and the result are null, bool, int, double, String, Uint8List, [TvmTensor], or a
  /// List of these. Throws a [TvmException].
  Object? call(String method, [List<Object?> arguments = const []]) {
    if (_closed) throw StateError('the model is closed');
    return using((arena) {
      final codec = ValueCodec(_plugin, arena);
      final name = arena<NativeBytes>();
      codec.writeBytes(utf8.encode(method), name.ref);
      final values = codec.writeAll(arguments);
      final result = arena<NativeValue>();
      codec.check(
        (error) => _plugin.modelCall(_handle, name.ref, values, arguments.length, result, error),
      );
      try {
        return codec.read(result.ref);
      } finally {
        _plugin.valueFree(result);
      }
    });
  }

  /// Gives the model's memory back now, rather than when it is collected.
  void close() {
    if (_closed) return;
    _closed = true;
    _finalizer.detach(this);
    _plugin.modelClose.asFunction<void Function(Pointer<Void>)>()(_handle);
  }
}
