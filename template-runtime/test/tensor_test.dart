// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

void main() {
  test('a tensor keeps its elements and its shape', () {
    final tensor = TvmTensor.float32(Float32List.fromList([1, 2, 3, 4, 5, 6]), [2, 3]);
    expect(tensor.dtype, TvmDtype.float32);
    expect(tensor.shape, [2, 3]);
    expect(tensor.length, 6);
    expect(tensor.float32, [1, 2, 3, 4, 5, 6]);
    expect('$tensor', 'TvmTensor(float32, [2, 3])');
  });

  test('each element type has its constructor and its getter, and no other', () {
    final tensors = [
      TvmTensor.boolean(Uint8List(2)),
      TvmTensor.int8(Int8List(2)),
      TvmTensor.int16(Int16List(2)),
      TvmTensor.int32(Int32List(2)),
      TvmTensor.int64(Int64List(2)),
      TvmTensor.uint8(Uint8List(2)),
      TvmTensor.uint16(Uint16List(2)),
      TvmTensor.uint32(Uint32List(2)),
      TvmTensor.uint64(Uint64List(2)),
      TvmTensor.float16(Uint16List(2)),
      TvmTensor.bfloat16(Uint16List(2)),
      TvmTensor.float32(Float32List(2)),
      TvmTensor.float64(Float64List(2)),
    ];
    expect(tensors.map((tensor) => tensor.dtype), TvmDtype.values);
    for (final tensor in tensors) {
      final getters = <TvmDtype, TypedData Function()>{
        TvmDtype.boolean: () => tensor.boolean,
        TvmDtype.int8: () => tensor.int8,
        TvmDtype.int16: () => tensor.int16,
        TvmDtype.int32: () => tensor.int32,
        TvmDtype.int64: () => tensor.int64,
        TvmDtype.uint8: () => tensor.uint8,
        TvmDtype.uint16: () => tensor.uint16,
        TvmDtype.uint32: () => tensor.uint32,
        TvmDtype.uint64: () => tensor.uint64,
        TvmDtype.float16: () => tensor.float16,
        TvmDtype.bfloat16: () => tensor.bfloat16,
        TvmDtype.float32: () => tensor.float32,
        TvmDtype.float64: () => tensor.float64,
      };
      for (final MapEntry(key: dtype, value: get) in getters.entries) {
        expect(get, dtype == tensor.dtype ? returnsNormally : throwsStateError);
      }
      expect(tensor.bytes.length, 2 * tensor.dtype.size);
      expect(tensor.shape, [2]);
    }
  });

  test('a tensor is a view of what it is made of', () {
    final values = Float32List.fromList([1, 2]);
    final tensor = TvmTensor.float32(values);
    values[1] = 5;
    expect(tensor.float32, [1, 5]);
  });

  test('bytes that do not begin at an element are copied', () {
    final bytes = Uint8List(9)..[1] = 7;
    final tensor = TvmTensor(TvmDtype.int32, [2], Uint8List.sublistView(bytes, 1));
    expect(tensor.int32, [7, 0]);
  });

  test('a part of a list makes a tensor of that part', () {
    final part = Int64List.sublistView(Int64List.fromList([1, 2, 3]), 1);
    expect(TvmTensor.int64(part).int64, [2, 3]);
  });

  test('data that does not fill the shape is refused', () {
    expect(() => TvmTensor.int64(Int64List(3), [2, 2]), throwsArgumentError);
    expect(() => TvmTensor.float32(Float32List(2), [-1, -2]), throwsArgumentError);
    expect(() => TvmTensor(TvmDtype.float64, [1], Uint8List(7)), throwsArgumentError);
  });

  test('a tensor may be empty or a scalar', () {
    expect(TvmTensor.float32(Float32List(0)).length, 0);
    expect(TvmTensor.float32(Float32List(1), []).shape, isEmpty);
  });

  test('the shape cannot be changed', () {
    expect(() => TvmTensor.uint8(Uint8List(1)).shape[0] = 2, throwsUnsupportedError);
  });
}
