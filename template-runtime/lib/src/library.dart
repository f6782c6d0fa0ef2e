// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';
import 'dart:io';

import 'elf.dart';
import 'errors.dart';

/// TVM's own libraries, which come with tvm_runtime_flutter and lie beside the plugins'.
///
/// On Linux with x86-64 processors they are those of TVM's wheels, in two parts; elsewhere one
/// library holds both.
List<String> get runtimeLibraries => switch (Abi.current()) {
  Abi.linuxX64 => const ['libtvm_ffi.so', 'libtvm_runtime.so'],
  _ when _isApple => const ['tvm_runtime.framework/tvm_runtime'],
  _ => const ['libtvm_runtime.so'],
};

/// The file that holds the compiled model of a [package], as this system calls it.
String libraryOf(String package) =>
    _isApple ? '${package}_model.framework/${package}_model' : 'lib$package.so';

/// The library of a package, and what its file is called by whoever opens it again.
typedef OpenedLibrary = ({DynamicLibrary library, String path});

/// Stands for a file where the app itself holds the code: see [openLibrary].
const String _theAppItself = '';

final bool _isApple = Platform.isIOS || Platform.isMacOS;

/// Opens the library [file] of a [package].
///
/// An iOS or macOS app that is linked statically has no such file, but what it holds: then
/// [symbol], which only that library defines, is found in the app.
///
/// Throws a [TvmException] that says why it cannot be opened, and what mends that.
OpenedLibrary openLibrary(
  String file, {
  required String package,
  required String symbol,
  String? directory,
}) {
  if (_isApple && directory == null) {
    final app = DynamicLibrary.process();
    if (app.providesSymbol(symbol)) return (library: app, path: _theAppItself);
  }
  final path = _find(file, directory);
  _checkWhole(path, package);
  try {
    return (library: DynamicLibrary.open(path), path: path);
  } on ArgumentError catch (error) {
    throw explain('${error.message}', file: file, path: path, package: package);
  }
}

/// Opens the library at a [path] that [openLibrary] returned.
DynamicLibrary openAgain(String path) =>
    path == _theAppItself ? DynamicLibrary.process() : DynamicLibrary.open(path);

/// The file of a [package]'s library that [openLibrary] opened and called [path].
String fileOf(String path, String package) => path == _theAppItself ? libraryOf(package) : path;

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
  // What can be looked at is ELF, at a place that is known.
  if (_isApple || !path.contains('/')) return;
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

/// How the loaders of glibc, Android and Apple say that a library is not there.
final List<RegExp> _absent = [
  RegExp(r"([^\s:'/]+\.so[.\d]*): cannot open shared object file"),
  RegExp('library "([^"/]+)" not found'),
  RegExp(r'Library not loaded: @rpath/(\S+)'),
  RegExp(r'dlopen\(([^,]+), \w+\): .*no such file', dotAll: true),
];

/// How they say that a library lacks a symbol which another one needs.
final List<RegExp> _undefined = [
  RegExp(r'undefined symbol: (\w+)'),
  RegExp(r'cannot locate symbol "(\w+)"'),
  RegExp(r'[Ss]ymbol not found:? \(?_(\w+)'),
];

/// What the words of the system's loader mean: [message] is what it said of the [path].
TvmException explain(
  String message, {
  required String file,
  required String path,
  required String package,
}) {
  final name = _first(_absent, message);
  if (name == file) return _unusable(path, 'there is no such file', _mend(file, package));
  if (name != null) {
    return _unusable(path, 'it needs $name, which is not there', _mend(name, package));
  }
  final symbol = _first(_undefined, message);
  if (symbol != null) return otherVersion(package, 'it needs $symbol, which TVM does not have');
  final reason = message.split('$path: ').last;
  return _unusable(path, reason, _mend(file, package));
}

String? _first(List<RegExp> patterns, String message) =>
    patterns.map((pattern) => pattern.firstMatch(message)?.group(1)).nonNulls.firstOrNull;

TvmException _unusable(String path, String why, String mend) =>
    TvmException(TvmErrorCode.library, 'the library $path cannot be used: $why', mend);

String _mend(String file, String package) {
  final isRuntime = runtimeLibraries.any((library) => file.endsWith(library));
  final owner = isRuntime ? 'tvm_runtime_flutter' : package;
  return 'Run `tvmplug build` in the folder of $owner, then build the app again';
}

/// What to say of a [package] whose library and this package were made for different versions.
TvmException otherVersion(String package, String why) => TvmException(
  TvmErrorCode.library,
  'the library of $package was built for another version of tvm_runtime_flutter: $why',
  'Update the older of the two with `copier update`, run `tvmplug build` in both folders, then '
      'build the app again',
);
