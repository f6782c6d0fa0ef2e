// Owned by the template: `copier update` may rewrite it, do not edit.

/// The C interface of a model plugin: `include/tvm_plugin.h`, in its order.
library;

import 'dart:ffi';

import 'package:ffi/ffi.dart';

/// `TVM_PLUGIN_ABI`.
const int pluginAbi = 1;

/// Code of an error.
abstract final class Code {
  static const int invalid = 16;
}

/// Tag of a value: which field of its union is live.
abstract final class Tag {
  static const int none = 0;
  static const int boolean = 1;
  static const int integer = 2;
  static const int number = 3;
  static const int string = 4;
  static const int bytes = 5;
  static const int tensor = 6;
  static const int list = 7;
}

/// `tvm_plugin_bytes`.
final class NativeBytes extends Struct {
  external Pointer<Uint8> data;

  @Size()
  external int size;
}

/// `tvm_plugin_error`.
final class NativeError extends Struct {
  @Int32()
  external int code;

  external Pointer<Utf8> message;

  external Pointer<Utf8> mend;
}

/// `tvm_plugin_tensor_view`.
final class NativeTensorView extends Struct {
  external Pointer<Uint8> data;

  @Size()
  external int bytes;

  external Pointer<Int64> shape;

  @Size()
  external int rank;

  @Int32()
  external int dtype;

  @Int32()
  external int writable;
}

/// `tvm_plugin_list`.
final class NativeList extends Struct {
  external Pointer<NativeValue> items;

  @Size()
  external int count;
}

/// The union of `tvm_plugin_value`.
final class NativePayload extends Union {
  @Int64()
  external int integer;

  @Double()
  external double number;

  external NativeBytes bytes;

  external Pointer<Void> tensor;

  external NativeList list;
}

/// `tvm_plugin_value`.
final class NativeValue extends Struct {
  @Int32()
  external int tag;

  @Int32()
  external int reserved;

  external NativePayload payload;
}

typedef _Errors = Pointer<Pointer<NativeError>>;
typedef _Handles = Pointer<Pointer<Void>>;

/// The functions of the plugin whose symbols start with [prefix].
final class NativePlugin {
  /// Finds them in [library]. Throws an [ArgumentError] when one is missing.
  NativePlugin(this.library, this.prefix);

  /// The plugin's library.
  final DynamicLibrary library;

  /// What its symbols start with.
  final String prefix;

  late final int Function() abiVersion = library.lookupFunction<Uint32 Function(), int Function()>(
    '${prefix}abi_version',
  );

  late final NativeBytes Function() metadata = library
      .lookupFunction<NativeBytes Function(), NativeBytes Function()>('${prefix}metadata');

  late final int Function(int, Pointer<Int64>, int, _Handles, _Errors) tensorNew = library
      .lookupFunction<
        Int32 Function(Int32, Pointer<Int64>, Size, _Handles, _Errors),
        int Function(int, Pointer<Int64>, int, _Handles, _Errors)
      >('${prefix}tensor_new');

  late final int Function(Pointer<Void>, Pointer<NativeTensorView>, _Errors) tensorView = library
      .lookupFunction<
        Int32 Function(Pointer<Void>, Pointer<NativeTensorView>, _Errors),
        int Function(Pointer<Void>, Pointer<NativeTensorView>, _Errors)
      >('${prefix}tensor_view');

  late final void Function(Pointer<Void>) tensorFree = library
      .lookupFunction<Void Function(Pointer<Void>), void Function(Pointer<Void>)>(
        '${prefix}tensor_free',
      );

  late final int Function(_Handles, _Errors) modelOpen = library
      .lookupFunction<Int32 Function(_Handles, _Errors), int Function(_Handles, _Errors)>(
        '${prefix}model_open',
      );

  late final int Function(
    Pointer<Void>,
    NativeBytes,
    Pointer<NativeValue>,
    int,
    Pointer<NativeValue>,
    _Errors,
  )
  modelCall = library
      .lookupFunction<
        Int32 Function(
          Pointer<Void>,
          NativeBytes,
          Pointer<NativeValue>,
          Size,
          Pointer<NativeValue>,
          _Errors,
        ),
        int Function(
          Pointer<Void>,
          NativeBytes,
          Pointer<NativeValue>,
          int,
          Pointer<NativeValue>,
          _Errors,
        )
      >('${prefix}model_call');

  late final Pointer<NativeFinalizerFunction> modelClose = library.lookup<NativeFinalizerFunction>(
    '${prefix}model_close',
  );

  late final void Function(Pointer<NativeValue>) valueFree = library
      .lookupFunction<Void Function(Pointer<NativeValue>), void Function(Pointer<NativeValue>)>(
        '${prefix}value_free',
      );

  late final void Function(Pointer<NativeError>) errorFree = library
      .lookupFunction<Void Function(Pointer<NativeError>), void Function(Pointer<NativeError>)>(
        '${prefix}error_free',
      );
}
