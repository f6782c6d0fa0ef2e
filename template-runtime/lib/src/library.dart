// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';
import 'dart:io';

import 'elf.dart';
import 'errors.dart';

/// TVM's own libraries, which come with tvm_runtime_flutter and lie beside the plugins'.
const List<String> runtimeLibraries = ['libtvm_ffi.so', 'libtvm_runtime.so'];

/// The library of a package, and what its file is called by whoever opens it again.
typedef OpenedLibrary = ({DynamicLibrary library, String path});

/// Opens the library [file] of a [package].
///
/// Throws a [TvmException] that says why it cannot be opened, and what mends that.
OpenedLibrary openLibrary(String file, {required String package, String? directory}) {
  final path = _find(file, directory);
  _checkWhole(path, package);
  try {
    return (library: DynamicLibrary.open(path), path: path);
  } on ArgumentError catch (error) {
    throw _explain('${error.message}', file: file, path: path, package: package);
  }
}

/// Where a library is: in the [directory]; or in the app's bundle, in `lib/` beside the executable;
/// or, by its bare name, wherever the system's loader looks (Android, and tests that set
/// `LD_LIBRARY_PATH`).
///
/// The bundle is looked at first, although Flutter's template gives the executable that run path:
/// the loader follows the run path of the library that asks for another one, and that is Flutter's
/// engine, whose own run path depends on who built it.
String _find(String file, String? directory) {
  if (directory != null) return '$directory/$file';
  if (!Platform.isLinux) return file;
  final executable = File(Platform.resolvedExecutable).parent.path;
  final searched = (Platform.environment['LD_LIBRARY_PATH'] ?? '').split(':');
  for (final folder in ['$executable/lib', ...searched.where((folder) => folder.isNotEmpty)]) {
    if (File('$folder/$file').existsSync()) return '$folder/$file';
  }
  return file;
}

/// Sees that a library and TVM's beside it are whole, as far as their files can be looked at.
void _checkWhole(String path, String package) {
  if (!path.contains('/')) return;
  final folder = File(path).parent.path;
  for (final file in [path, for (final name in runtimeLibraries) '$folder/$name']) {
    if (FileSystemEntity.typeSync(file) == FileSystemEntityType.notFound) continue;
    final String? damage;
    try {
      damage = damageOf(file);
    } on FileSystemException catch (error) {
      throw _unusable(file, 'it cannot be read: ${error.osError?.message}', _mend(file, package));
    }
    if (damage != null) throw _unusable(file, damage, _mend(file, package));
  }
}

/// What the words of the system's loader mean.
TvmException _explain(
  String message, {
  required String file,
  required String path,
  required String package,
}) {
  final absent = RegExp(
    r"([^\s:'/]+\.so[.\d]*): cannot open shared object file",
  ).firstMatch(message);
  final name = absent?.group(1);
  if (name == file) return _unusable(path, 'there is no such file', _mend(file, package));
  if (name != null) {
    return _unusable(path, 'it needs $name, which is not there', _mend(name, package));
  }
  final symbol = RegExp(r'undefined symbol: (\w+)').firstMatch(message)?.group(1);
  if (symbol != null) return otherVersion(package, 'it needs $symbol, which TVM does not have');
  final reason = message.split('$path: ').last;
  return _unusable(path, reason, _mend(file, package));
}

TvmException _unusable(String path, String why, String mend) =>
    TvmException(TvmErrorCode.library, 'the library $path cannot be used: $why', mend);

String _mend(String file, String package) {
  final owner = runtimeLibraries.contains(file.split('/').last) ? 'tvm_runtime_flutter' : package;
  return 'Run `tvmplug build` in the folder of $owner, then build the app again';
}

/// What to say of a [package] whose library and this package were made for different versions.
TvmException otherVersion(String package, String why) => TvmException(
  TvmErrorCode.library,
  'the library of $package was built for another version of tvm_runtime_flutter: $why',
  'Update the older of the two with `copier update`, run `tvmplug build` in both folders, then '
      'build the app again',
);
