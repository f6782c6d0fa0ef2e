import 'dart:io';

/// The files of TVM's libraries that this process has mapped; null where `/proc` does not tell.
Future<List<String>?> mappedTvmLibraries() async {
  final maps = File('/proc/self/maps');
  try {
    return tvmLibrariesIn(await maps.readAsString());
  } on FileSystemException {
    return null;
  }
}

/// The files of TVM's libraries in the text of a process's `maps` (proc_pid_maps(5)), sorted.
List<String> tvmLibrariesIn(String maps) {
  // address, permissions, offset, device, inode, then the path, which may hold spaces.
  final line = RegExp(r'^(?:\S+\s+){5}(/.*/libtvm_(?:runtime|ffi)\.so)$', multiLine: true);
  return {for (final match in line.allMatches(maps)) match.group(1)!}.toList()..sort();
}
