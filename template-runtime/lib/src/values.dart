// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:convert';
import 'dart:ffi';
import 'dart:typed_data';

import 'package:ffi/ffi.dart';

import 'native.dart';

/// What a plugin reports: what is wrong, and what mends it.
final class TvmException implements Exception {
  /// An error with the code of `tvm_plugin_code` in `tvm_plugin.h`.
  const TvmException(this.code, this.message, this.mend);

  /// Which error it is; never changes its meaning.
  final int code;

  /// What is wrong.
  final String message;

  /// What mends it; may be empty.
  final String mend;

  @override
  String toString() => mend.isEmpty ? message : '$message. $mend';
}

/// Type of a tensor's elements.
enum TvmDtype {
  /// One byte, 0 or 1.
  boolean(1, 1),

  /// Signed, 8 bits.
  int8(2, 1),

  /// Signed, 16 bits.
  int16(3, 2),

  /// Signed, 32 bits.
  int32(4, 4),

  /// Signed, 64 bits.
  int64(5, 8),

  /// Unsigned, 8 bits.
  uint8(6, 1),

  /// Unsigned, 16 bits.
  uint16(7, 2),

  /// Unsigned, 32 bits.
  uint32(8, 4),

  /// Unsigned, 64 bits.
  uint64(9, 8),

  /// IEEE 754, 16 bits.
  float16(10, 2),

  /// The upper half of a float32.
  bfloat16(11, 2),

  /// IEEE 754, 32 bits.
  float32(12, 4),

  /// IEEE 754, 64 bits.
  float64(13, 8);

  const TvmDtype(this.code, this.size);

  /// Its number in `tvm_plugin_dtype`.
  final int code;

  /// Bytes of one element.
  final int size;

  /// The element type with a [code].
  static TvmDtype of(int code) => values.firstWhere((type) => type.code == code);
}

/// Numbers in row-major order, with a shape.
final class TvmTensor {
  /// A tensor over [bytes], whose length must be that of the [shape]'s elements.
  TvmTensor(this.dtype, this.shape, this.bytes) {
    final elements = shape.fold(1, (product, extent) => product * extent);
    if (bytes.length != elements * dtype.size) {
      throw ArgumentError(
        '${bytes.length} bytes do not fill a ${dtype.name} tensor of shape $shape',
      );
    }
  }

  /// A tensor of 32-bit floats; without a [shape] it has one dimension.
  factory TvmTensor.float32(Float32List data, [List<int>? shape]) =>
      TvmTensor(TvmDtype.float32, shape ?? [data.length], _bytesOf(data));

  /// A tensor of 64-bit integers; without a [shape] it has one dimension.
  factory TvmTensor.int64(Int64List data, [List<int>? shape]) =>
      TvmTensor(TvmDtype.int64, shape ?? [data.length], _bytesOf(data));

  /// Type of the elements.
  final TvmDtype dtype;

  /// Extent of each dimension.
  final List<int> shape;

  /// The elements' bytes.
  final Uint8List bytes;

  /// The elements of a float32 tensor.
  Float32List get float32 => _checked(TvmDtype.float32).buffer.asFloat32List();

  /// The elements of an int64 tensor.
  Int64List get int64 => _checked(TvmDtype.int64).buffer.asInt64List();

  Uint8List _checked(TvmDtype wanted) {
    if (dtype != wanted) {
      throw StateError('the tensor is ${dtype.name}, not ${wanted.name}');
    }
    // A view must begin at an element's boundary; a copy always does.
    return Uint8List.fromList(bytes);
  }

  static Uint8List _bytesOf(TypedData data) =>
      data.buffer.asUint8List(data.offsetInBytes, data.lengthInBytes);
}

/// Turns Dart values into those of a plugin's C interface, and back.
final class ValueCodec {
  /// A codec for values of [plugin]; frees what it allocates for arguments with [arena].
  const ValueCodec(this.plugin, this.arena);

  /// Whose tensors they are.
  final NativePlugin plugin;

  /// Holds everything that an argument needs until the call is over.
  final Arena arena;

  /// Calls [run] with a place for an error, and throws what it leaves there.
  void check(int Function(Pointer<Pointer<NativeError>>) run) {
    final place = arena<Pointer<NativeError>>();
    final code = run(place);
    if (code == 0) return;
    if (place.value == nullptr) throw TvmException(code, 'error $code', '');
    final error = place.value.ref;
    final exception = TvmException(
      error.code,
      error.message.toDartString(),
      error.mend == nullptr ? '' : error.mend.toDartString(),
    );
    plugin.errorFree(place.value);
    throw exception;
  }

  /// Writes [value] to [place].
  void write(Object? value, NativeValue place) {
    place.reserved = 0;
    switch (value) {
      case null:
        place.tag = Tag.none;
      case final bool flag:
        place.tag = Tag.boolean;
        place.payload.integer = flag ? 1 : 0;
      case final int integer:
        place.tag = Tag.integer;
        place.payload.integer = integer;
      case final double number:
        place.tag = Tag.number;
        place.payload.number = number;
      case final String text:
        place.tag = Tag.string;
        writeBytes(utf8.encode(text), place.payload.bytes);
      case final Uint8List bytes:
        place.tag = Tag.bytes;
        writeBytes(bytes, place.payload.bytes);
      case final TvmTensor tensor:
        place.tag = Tag.tensor;
        place.payload.tensor = _newTensor(tensor);
      case final List<Object?> items:
        place.tag = Tag.list;
        place.payload.list.count = items.length;
        place.payload.list.items = writeAll(items);
      default:
        throw ArgumentError('a plugin takes no ${value.runtimeType}');
    }
  }

  /// Writes [values] one after the other.
  Pointer<NativeValue> writeAll(List<Object?> values) {
    final items = arena<NativeValue>(values.isEmpty ? 1 : values.length);
    for (final (index, value) in values.indexed) {
      write(value, items[index]);
    }
    return items;
  }

  /// Copies [bytes] and points [place] at the copy.
  void writeBytes(Uint8List bytes, NativeBytes place) {
    final copy = arena<Uint8>(bytes.isEmpty ? 1 : bytes.length);
    copy.asTypedList(bytes.length).setAll(0, bytes);
    place.data = copy;
    place.size = bytes.length;
  }

  /// Reads what a call returned, without keeping anything of it.
  Object? read(NativeValue value) => switch (value.tag) {
    Tag.none => null,
    Tag.boolean => value.payload.integer != 0,
    Tag.integer => value.payload.integer,
    Tag.number => value.payload.number,
    Tag.string => utf8.decode(readBytes(value.payload.bytes)),
    Tag.bytes => readBytes(value.payload.bytes),
    Tag.tensor => _readTensor(value.payload.tensor),
    Tag.list => [
      for (var index = 0; index < value.payload.list.count; index++)
        read(value.payload.list.items[index]),
    ],
    _ => throw TvmException(
      Code.invalid,
      'a value has the unknown tag ${value.tag}',
      'Build the plugin and its runtime from one template version',
    ),
  };

  /// Copies the bytes out.
  static Uint8List readBytes(NativeBytes bytes) =>
      bytes.size == 0 ? Uint8List(0) : Uint8List.fromList(bytes.data.asTypedList(bytes.size));

  Pointer<Void> _newTensor(TvmTensor tensor) {
    final rank = tensor.shape.length;
    final shape = arena<Int64>(rank == 0 ? 1 : rank);
    shape.asTypedList(rank).setAll(0, tensor.shape);
    final handle = arena<Pointer<Void>>();
    check((error) => plugin.tensorNew(tensor.dtype.code, shape, rank, handle, error));
    final made = arena.using(handle.value, plugin.tensorFree);
    final view = _view(made);
    if (view.bytes > 0) view.data.asTypedList(view.bytes).setAll(0, tensor.bytes);
    return made;
  }

  TvmTensor _readTensor(Pointer<Void> handle) {
    final view = _view(handle);
    return TvmTensor(
      TvmDtype.of(view.dtype),
      view.rank == 0 ? [] : List.of(view.shape.asTypedList(view.rank)),
      view.bytes == 0 ? Uint8List(0) : Uint8List.fromList(view.data.asTypedList(view.bytes)),
    );
  }

  NativeTensorView _view(Pointer<Void> handle) {
    final view = arena<NativeTensorView>();
    check((error) => plugin.tensorView(handle, view, error));
    return view.ref;
  }
}
