// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';
import 'dart:io';
import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

void main() {
  final architecture = Abi.current() == Abi.linuxArm64 ? 'arm64' : 'x64';
  final libraries = Directory('linux/lib/$architecture');

  test('the loaded tvm-ffi is of the pinned line', () {
    // A post-release reports the number of the version that it leads to.
    final runtime = TvmRuntime.load(directory: libraries.absolute.path);
    final line = TvmPins.tvmFfi.split('.').take(2).join('.');
    expect(runtime.ffiVersion, startsWith('$line.'));
  }, skip: libraries.existsSync() ? false : 'not staged; run `tvmplug build`');

  test('a tensor keeps its elements', () {
    final tensor = TvmTensor.float32(Float32List.fromList([1, 2, 3, 4, 5, 6]), [2, 3]);
    expect(tensor.shape, [2, 3]);
    expect(tensor.float32, [1, 2, 3, 4, 5, 6]);
    expect(() => tensor.int64, throwsStateError);
  });

  test('a tensor whose bytes do not fill its shape is refused', () {
    expect(() => TvmTensor.int64(Int64List(3), [2, 2]), throwsArgumentError);
  });

  test('a plugin that is not there is refused', () {
    expect(() => TvmPlugin.open('no_such_plugin', prefix: 'none_'), throwsArgumentError);
  });
}
