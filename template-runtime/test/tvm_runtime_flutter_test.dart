// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi';
import 'dart:io';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

void main() {
  final architecture = Abi.current() == Abi.linuxArm64 ? 'arm64' : 'x64';
  final libraries = Directory('linux/lib/$architecture');
  final skip = libraries.existsSync() ? false : 'not staged; run `tvmplug build`';

  Matcher unusable(String file, String why) => throwsA(
    isA<TvmException>()
        .having((error) => error.code, 'code', TvmErrorCode.library)
        .having((error) => error.message, 'message', allOf(contains(file), contains(why)))
        .having((error) => error.mend, 'mend', contains('tvmplug build')),
  );

  late Directory folder;
  setUp(() => folder = Directory.systemTemp.createTempSync('tvm_runtime_flutter'));
  tearDown(() => folder.deleteSync(recursive: true));

  test('the loaded tvm-ffi is of the pinned line', () {
    // A post-release reports the number of the version that it leads to.
    final runtime = TvmRuntime.load(directory: libraries.absolute.path);
    final line = TvmPins.tvmFfi.split('.').take(2).join('.');
    expect(runtime.ffiVersion, startsWith('$line.'));
  }, skip: skip);

  test('a library that is not there is named', () {
    final plugin = TvmPlugin('no_such_plugin', prefix: 'none_');
    expect(plugin.load, unusable('libno_such_plugin.so', 'there is no such file'));
    expect(plugin.openModel(), unusable('libno_such_plugin.so', 'there is no such file'));
  });

  test('a file that is no library is told from one', () {
    File('${folder.path}/libtext_flutter.so').writeAsStringSync('no library');
    final plugin = TvmPlugin('text_flutter', prefix: 'text_', directory: folder.path);
    expect(plugin.load, unusable('libtext_flutter.so', 'it is no library'));
  });

  test('a library that is cut off is refused before it is mapped', () {
    final whole = File('${libraries.path}/libtvm_ffi.so').readAsBytesSync();
    for (final length in [0, 10, 64, 4096, whole.length ~/ 2, whole.length - 1]) {
      File('${folder.path}/libcut_flutter.so').writeAsBytesSync(whole.sublist(0, length));
      final plugin = TvmPlugin('cut_flutter', prefix: 'cut_', directory: folder.path);
      expect(plugin.load, unusable('libcut_flutter.so', 'it is'), reason: '$length bytes');
    }
  }, skip: skip);

  test('a library without a plugin in it is of another version', () {
    File('${libraries.path}/libtvm_ffi.so').copySync('${folder.path}/libother_flutter.so');
    final plugin = TvmPlugin('other_flutter', prefix: 'other_', directory: folder.path);
    expect(plugin.load, unusable('other_flutter', 'built for another version'));
  }, skip: skip);
}
