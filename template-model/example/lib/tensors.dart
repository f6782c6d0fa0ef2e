// Owned by you: written once, an update never touches it.

/// Tensors to try a component with, and what they hold, in short.
library;

import 'dart:math';
import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// What the elements of an input are.
enum Filling {
  /// All 0.
  zeros,

  /// All 1.
  ones,
}

/// The dynamic dimensions of a component's inputs, each once.
List<TvmDimension> dynamicDimensions(TvmComponent component) => {
  for (final input in component.inputs)
    for (final dimension in input.shape)
      if (dimension.name case final name?) name: dimension,
}.values.toList();

/// The extent to begin with: the lowest that has something in it.
int firstExtent(TvmDimension dimension) => max(1, dimension.min);

/// An input as [spec] describes it, with the [extents] of its dynamic dimensions by name.
TvmTensor filled(TvmTensorSpec spec, Filling filling, Map<String, int> extents) {
  final shape = [for (final dimension in spec.shape) dimension.extent ?? extents[dimension.name]!];
  final length = shape.fold(1, (product, extent) => product * extent);
  final one = _one(spec.dtype);
  final bytes = Uint8List(length * one.length);
  if (filling == Filling.ones) {
    for (var at = 0; at < bytes.length; at += one.length) {
      bytes.setAll(at, one);
    }
  }
  return TvmTensor(spec.dtype, shape, bytes);
}

/// The bytes of the number 1.
Uint8List _one(TvmDtype dtype) => Uint8List.sublistView(switch (dtype) {
  TvmDtype.boolean || TvmDtype.uint8 || TvmDtype.int8 => Uint8List.fromList([1]),
  TvmDtype.int16 || TvmDtype.uint16 => Uint16List.fromList([1]),
  TvmDtype.int32 || TvmDtype.uint32 => Uint32List.fromList([1]),
  TvmDtype.int64 || TvmDtype.uint64 => Uint64List.fromList([1]),
  TvmDtype.float16 => Uint16List.fromList([0x3C00]),
  TvmDtype.bfloat16 => Uint16List.fromList([0x3F80]),
  TvmDtype.float32 => Float32List.fromList([1]),
  TvmDtype.float64 => Float64List.fromList([1]),
});

/// The first [count] elements of [tensor]; those of 16-bit floats as their bits.
String preview(TvmTensor tensor, {int count = 6}) {
  final elements = (tensor.data as List<num>).take(count).map((element) {
    return element is double ? element.toStringAsPrecision(4) : '$element';
  });
  return [...elements, if (tensor.length > count) '…'].join(', ');
}
