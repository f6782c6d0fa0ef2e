// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';

import 'package:ffi/ffi.dart';

/// `TVMFFIVersion` of `tvm/ffi/c_api.h`.
final class _FfiVersion extends Struct {
  @Uint32()
  external int major;

  @Uint32()
  external int minor;

  @Uint32()
  external int patch;
}

/// The TVM runtime that every model plugin of the process shares.
final class TvmRuntime {
  /// Loads TVM, or finds it loaded.
  ///
  /// [directory] is the folder that holds its libraries; by default the app's own, which is right
  /// in a Flutter app. Throws an [ArgumentError] when they are not there.
  factory TvmRuntime.load({String? directory}) {
    final path = directory == null ? '' : '$directory/';
    final ffi = DynamicLibrary.open('${path}libtvm_ffi.so');
    DynamicLibrary.open('${path}libtvm_runtime.so');
    final version = calloc<_FfiVersion>();
    try {
      ffi.lookupFunction<Void Function(Pointer<_FfiVersion>), void Function(Pointer<_FfiVersion>)>(
        'TVMFFIGetVersion',
      )(version);
      final found = version.ref;
      return TvmRuntime._('${found.major}.${found.minor}.${found.patch}');
    } finally {
      calloc.free(version);
    }
  }

  const TvmRuntime._(this.ffiVersion);

  /// Version of the loaded tvm-ffi, such as `0.1.16`: what the library itself reports.
  final String ffiVersion;
}
