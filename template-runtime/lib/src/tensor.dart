// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:typed_data';

import 'bindings.dart';

/// Type of a tensor's elements.
enum TvmDtype {
  /// One byte, 0 or 1.
  boolean(tvmPluginBool, 'bool', 1),

  /// Signed, 8 bits.
  int8(tvmPluginInt8, 'int8', 1),

  /// Signed, 16 bits.
  int16(tvmPluginInt16, 'int16', 2),

  /// Signed, 32 bits.
  int32(tvmPluginInt32, 'int32', 4),

  /// Signed, 64 bits.
  int64(tvmPluginInt64, 'int64', 8),

  /// Unsigned, 8 bits.
  uint8(tvmPluginUint8, 'uint8', 1),

  /// Unsigned, 16 bits.
  uint16(tvmPluginUint16, 'uint16', 2),

  /// Unsigned, 32 bits.
  uint32(tvmPluginUint32, 'uint32', 4),

  /// Unsigned, 64 bits.
  uint64(tvmPluginUint64, 'uint64', 8),

  /// IEEE 754, 16 bits; Dart sees the bits.
  float16(tvmPluginFloat16, 'float16', 2),

  /// The upper half of a float32; Dart sees the bits.
  bfloat16(tvmPluginBfloat16, 'bfloat16', 2),

  /// IEEE 754, 32 bits.
  float32(tvmPluginFloat32, 'float32', 4),

  /// IEEE 754, 64 bits.
  float64(tvmPluginFloat64, 'float64', 8);

  const TvmDtype(this.number, this.label, this.size);

  /// Its number in `tvm_plugin_dtype`.
  final int number;

  /// Its name in TVM and in a plugin's metadata.
  final String label;

  /// Bytes of one element.
  final int size;

  /// Whether its elements are floating-point numbers.
  bool get isFloat => switch (this) {
    float16 || bfloat16 || float32 || float64 => true,
    _ => false,
  };

  /// The element type with a [number] of `tvm_plugin_dtype`.
  static TvmDtype of(int number) => values.firstWhere((dtype) => dtype.number == number);

  /// The element type with a [label]. Throws a [FormatException] if there is none.
  static TvmDtype named(String label) => values.firstWhere(
    (dtype) => dtype.label == label,
    orElse: () => throw FormatException('there is no element type $label'),
  );
}

/// Numbers in row-major order, with a shape.
///
/// | a tensor | its memory | as an input |
/// |---|---|---|
/// | made of a Dart list | the list's: a view, which changes with it | copied once, before the call returns its future |
/// | from `allocate` of a model or session | TVM's; to be written, again and again | not copied, except integers: leave it as it is until the call has answered |
/// | that a call returned | TVM's; read-only | not copied |
/// | that a call returned, up to 4 KiB | Dart's: the copy is cheaper; read-only | copied |
///
/// Memory of TVM's lives as long as the tensor or any list that was got from it, closed model or not,
/// and goes to calls of the same plugin in the same isolate without a copy. A tensor that is sent to
/// another isolate arrives as a copy in Dart's memory. Copy a result to change it, as in
/// `Float32List.fromList(tensor.float32)`.
final class TvmTensor {
  /// A tensor over [bytes], whose length must be that of the [shape]'s elements.
  ///
  /// Throws an [ArgumentError] otherwise.
  TvmTensor(this.dtype, List<int> shape, Uint8List bytes)
    : shape = List.unmodifiable(shape),
      data = _elements(dtype, bytes),
      _lent = null {
    var elements = 1;
    for (final extent in shape) {
      if (extent < 0) throw ArgumentError.value(shape, 'shape', 'a dimension is negative');
      elements *= extent;
    }
    if (bytes.length != elements * dtype.size) {
      throw ArgumentError.value(
        shape,
        'shape',
        '${bytes.length} bytes do not fill a ${dtype.label} tensor of this shape',
      );
    }
  }

  TvmTensor._lentBy(this._lent, this.dtype, List<int> shape, Uint8List bytes)
    : shape = List.unmodifiable(shape),
      data = _elements(dtype, bytes);

  TvmTensor._of(TvmDtype dtype, TypedData data, List<int>? shape)
    : this(dtype, shape ?? [data.lengthInBytes ~/ dtype.size], Uint8List.sublistView(data));

  /// A tensor of truth values, one byte each, 0 or 1; without a [shape] it has one dimension.
  TvmTensor.boolean(Uint8List data, [List<int>? shape]) : this._of(TvmDtype.boolean, data, shape);

  /// A tensor of 8-bit integers; without a [shape] it has one dimension.
  TvmTensor.int8(Int8List data, [List<int>? shape]) : this._of(TvmDtype.int8, data, shape);

  /// A tensor of 16-bit integers; without a [shape] it has one dimension.
  TvmTensor.int16(Int16List data, [List<int>? shape]) : this._of(TvmDtype.int16, data, shape);

  /// A tensor of 32-bit integers; without a [shape] it has one dimension.
  TvmTensor.int32(Int32List data, [List<int>? shape]) : this._of(TvmDtype.int32, data, shape);

  /// A tensor of 64-bit integers; without a [shape] it has one dimension.
  TvmTensor.int64(Int64List data, [List<int>? shape]) : this._of(TvmDtype.int64, data, shape);

  /// A tensor of unsigned 8-bit integers; without a [shape] it has one dimension.
  TvmTensor.uint8(Uint8List data, [List<int>? shape]) : this._of(TvmDtype.uint8, data, shape);

  /// A tensor of unsigned 16-bit integers; without a [shape] it has one dimension.
  TvmTensor.uint16(Uint16List data, [List<int>? shape]) : this._of(TvmDtype.uint16, data, shape);

  /// A tensor of unsigned 32-bit integers; without a [shape] it has one dimension.
  TvmTensor.uint32(Uint32List data, [List<int>? shape]) : this._of(TvmDtype.uint32, data, shape);

  /// A tensor of unsigned 64-bit integers; without a [shape] it has one dimension.
  TvmTensor.uint64(Uint64List data, [List<int>? shape]) : this._of(TvmDtype.uint64, data, shape);

  /// A tensor of 16-bit floats, given as their bits; without a [shape] it has one dimension.
  TvmTensor.float16(Uint16List data, [List<int>? shape]) : this._of(TvmDtype.float16, data, shape);

  /// A tensor of bfloat16 numbers, given as their bits; without a [shape] it has one dimension.
  TvmTensor.bfloat16(Uint16List data, [List<int>? shape])
    : this._of(TvmDtype.bfloat16, data, shape);

  /// A tensor of 32-bit floats; without a [shape] it has one dimension.
  TvmTensor.float32(Float32List data, [List<int>? shape]) : this._of(TvmDtype.float32, data, shape);

  /// A tensor of 64-bit floats; without a [shape] it has one dimension.
  TvmTensor.float64(Float64List data, [List<int>? shape]) : this._of(TvmDtype.float64, data, shape);

  /// Type of the elements.
  final TvmDtype dtype;

  /// Extent of each dimension; unmodifiable.
  final List<int> shape;

  /// The elements, in the list type of the [dtype].
  final TypedData data;

  /// Whose memory it is, if that is not Dart's.
  final _Lent? _lent;

  /// The number of elements.
  int get length => data.lengthInBytes ~/ dtype.size;

  /// The elements' bytes, in the machine's byte order; a view, not a copy.
  Uint8List get bytes => Uint8List.sublistView(data);

  /// The elements of a bool tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint8List get boolean => _checked(TvmDtype.boolean) as Uint8List;

  /// The elements of an int8 tensor; a view, not a copy. Throws a [StateError] for another type.
  Int8List get int8 => _checked(TvmDtype.int8) as Int8List;

  /// The elements of an int16 tensor; a view, not a copy. Throws a [StateError] for another type.
  Int16List get int16 => _checked(TvmDtype.int16) as Int16List;

  /// The elements of an int32 tensor; a view, not a copy. Throws a [StateError] for another type.
  Int32List get int32 => _checked(TvmDtype.int32) as Int32List;

  /// The elements of an int64 tensor; a view, not a copy. Throws a [StateError] for another type.
  Int64List get int64 => _checked(TvmDtype.int64) as Int64List;

  /// The elements of a uint8 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint8List get uint8 => _checked(TvmDtype.uint8) as Uint8List;

  /// The elements of a uint16 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint16List get uint16 => _checked(TvmDtype.uint16) as Uint16List;

  /// The elements of a uint32 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint32List get uint32 => _checked(TvmDtype.uint32) as Uint32List;

  /// The elements of a uint64 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint64List get uint64 => _checked(TvmDtype.uint64) as Uint64List;

  /// The bits of the elements of a float16 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint16List get float16 => _checked(TvmDtype.float16) as Uint16List;

  /// The bits of the elements of a bfloat16 tensor; a view, not a copy. Throws a [StateError] for another type.
  Uint16List get bfloat16 => _checked(TvmDtype.bfloat16) as Uint16List;

  /// The elements of a float32 tensor; a view, not a copy. Throws a [StateError] for another type.
  Float32List get float32 => _checked(TvmDtype.float32) as Float32List;

  /// The elements of a float64 tensor; a view, not a copy. Throws a [StateError] for another type.
  Float64List get float64 => _checked(TvmDtype.float64) as Float64List;

  TypedData _checked(TvmDtype wanted) => dtype == wanted
      ? data
      : throw StateError('the tensor is ${dtype.label}, not ${wanted.label}');

  static TypedData _elements(TvmDtype dtype, Uint8List bytes) {
    // A view must begin at an element's boundary, which a copy always does.
    final from = bytes.offsetInBytes % dtype.size == 0 ? bytes : Uint8List.fromList(bytes);
    if (from.length % dtype.size != 0) return from;
    return switch (dtype) {
      TvmDtype.boolean || TvmDtype.uint8 => from,
      TvmDtype.int8 => Int8List.sublistView(from),
      TvmDtype.int16 => Int16List.sublistView(from),
      TvmDtype.int32 => Int32List.sublistView(from),
      TvmDtype.int64 => Int64List.sublistView(from),
      TvmDtype.uint16 || TvmDtype.float16 || TvmDtype.bfloat16 => Uint16List.sublistView(from),
      TvmDtype.uint32 => Uint32List.sublistView(from),
      TvmDtype.uint64 => Uint64List.sublistView(from),
      TvmDtype.float32 => Float32List.sublistView(from),
      TvmDtype.float64 => Float64List.sublistView(from),
    };
  }

  @override
  String toString() => 'TvmTensor(${dtype.label}, $shape)';
}

/// What a tensor over a plugin's memory knows of it.
typedef _Lent = ({Object lender, int ticket});

/// A tensor over [bytes] that a [lender] knows by a [ticket].
///
/// The lender is any object, told from others by identity: a tensor that is sent to another isolate
/// arrives with a copy of it, which lends nothing.
TvmTensor lentTensor({
  required Object lender,
  required int ticket,
  required TvmDtype dtype,
  required List<int> shape,
  required Uint8List bytes,
}) => TvmTensor._lentBy((lender: lender, ticket: ticket), dtype, shape, bytes);

/// The ticket under which a [lender] knows the memory of a [tensor], or null if it does not.
int? ticketOf(TvmTensor tensor, Object lender) {
  final lent = tensor._lent;
  return lent != null && identical(lent.lender, lender) ? lent.ticket : null;
}
