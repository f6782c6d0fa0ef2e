// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';

import 'package:ffi/ffi.dart';

import 'library.dart';

/// The TVM runtime that every model plugin of the process shares.
final class TvmRuntime {
  /// Loads TVM, or finds it loaded.
  ///
  /// [directory] is the folder that holds its libraries; by default the app's own, which is right
  /// in a Flutter app. Throws a `TvmException` with the code `library` when they cannot be used.
  factory TvmRuntime.load({String? directory}) {
    final loaded = [
      for (final file in runtimeLibraries)
        openLibrary(
          file,
          package: 'tvm_runtime_flutter',
          symbol: _getVersion,
          directory: directory,
        ).library,
    ];
    return using((arena) {
      // `TVMFFIVersion` of `tvm/ffi/c_api.h`: three numbers.
      final version = arena<Uint32>(3);
      loaded.first.lookupFunction<Void Function(Pointer<Uint32>), void Function(Pointer<Uint32>)>(
        _getVersion,
      )(version);
      return TvmRuntime._('${version[0]}.${version[1]}.${version[2]}');
    });
  }

  const TvmRuntime._(this.ffiVersion);

  static const String _getVersion = 'TVMFFIGetVersion';

  /// Version of the loaded tvm-ffi, such as `0.1.16`: what the library itself reports.
  final String ffiVersion;
}
