// Libraries that cannot be used: each is an exception in words before anything ends the process.
// test_dart_api.py makes them. Whole ones come last: a TVM that is loaded stays so.

import 'dart:io';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/src/library.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'support.dart';

/// The folder with one folder for each kind of damage.
final String broken = Platform.environment['TVMPLUG_TEST_BROKEN']!;

void main() {
  void refuses(String what, String folder, String message, String mend) => test(what, () async {
    final plugin = TvmPlugin('g2p_flutter', prefix: 'g2p_', directory: '$broken/$folder');
    final matcher = refused(TvmErrorCode.library, message, mend);
    expect(plugin.load, matcher);
    expect(() => plugin.components, matcher);
    await expectLater(plugin.openModel(), matcher);
    await expectLater(plugin.openSession('encoder'), matcher);
  });

  const build = 'Run `tvmplug build` in the folder of g2p_flutter, then build the app again';
  const buildRuntime = 'Run `tvmplug build` in the folder of tvm_runtime_flutter';
  const update = 'Update the older of the two with `copier update`';
  const other = 'the library of g2p_flutter was built for another version of tvm_runtime_flutter: ';

  // What the loaders of other systems say, as their sources have it: bionic's linker.cpp, and dyld's
  // Loader.cpp.
  const framework = 'g2p_flutter_model.framework/g2p_flutter_model';
  const tried =
      "tried: '/usr/lib/$framework' (no such file), '/usr/lib/swift/$framework' (no such file)";
  for (final (system, file, message, why, mend) in [
    (
      'Android',
      'libg2p_flutter.so',
      'dlopen failed: library "libg2p_flutter.so" not found',
      'libg2p_flutter.so cannot be used: there is no such file',
      build,
    ),
    (
      'Android',
      'libg2p_flutter.so',
      'dlopen failed: library "libtvm_runtime.so" not found: needed by /data/app/g/lib/arm64/libg2p_flutter.so '
          'in namespace clns-4',
      'it needs libtvm_runtime.so, which is not there',
      buildRuntime,
    ),
    (
      'Android',
      'libg2p_flutter.so',
      'dlopen failed: cannot locate symbol "TVMFFINew" referenced by "/data/libg2p_flutter.so"...',
      'it needs TVMFFINew, which TVM does not have',
      update,
    ),
    (
      'Apple',
      framework,
      'dlopen($framework, 0x0001): $tried',
      '$framework cannot be used: there is no such file',
      build,
    ),
    (
      'Apple',
      framework,
      'dlopen($framework, 0x0001): Library not loaded: @rpath/tvm_runtime.framework/tvm_runtime\n'
          '  Referenced from: <4C> /g\n  Reason: $tried',
      'it needs tvm_runtime.framework/tvm_runtime, which is not there',
      'then build the app again',
    ),
    (
      'Apple',
      framework,
      'dlopen($framework, 0x0001): Symbol not found: _TVMFFINew\n  Referenced from: <4C> /g\n  Expected in: /t',
      'it needs TVMFFINew, which TVM does not have',
      update,
    ),
  ]) {
    test('$system: $why', () {
      final told = explain(
        "Failed to load dynamic library '$file': $message",
        file: file,
        path: file,
        package: 'g2p_flutter',
      );
      expect(told.message, contains(why));
      expect(told.mend, contains(mend));
    });
  }

  refuses('a missing library', 'empty', 'libg2p_flutter.so cannot be used: there is no', build);
  refuses('a library of no bytes', 'nothing', 'it is no library', build);
  refuses('a library that is text', 'text', 'it is no library', build);
  refuses('a library that is a folder', 'folder', 'it cannot be read', build);
  for (final part in ['head', 'half', 'tail']) {
    refuses('a library cut off at its $part', 'cut_$part', 'it is cut off', build);
  }
  refuses('a library for another machine', 'machine', 'it is for another kind of processor', build);
  refuses('a plugin without TVM', 'alone', 'it needs libtvm_', buildRuntime);
  refuses('a plugin without tvm-ffi', 'no_ffi', 'it needs libtvm_ffi.so', buildRuntime);
  refuses(
    'a plugin beside half of TVM',
    'half_tvm',
    'libtvm_runtime.so cannot be used',
    buildRuntime,
  );
  refuses(
    'an interface of another version',
    'interface',
    '$other'
        'its interface has version 1',
    update,
  );
  refuses(
    'a library without a plugin',
    'foreign',
    '$other'
        'it has no g2p_abi_version',
    update,
  );
  refuses(
    'a plugin that lacks a function',
    'lacking',
    '$other'
        'it has no g2p_metadata',
    update,
  );
  refuses(
    'a plugin beside another TVM',
    'other_tvm',
    '$other'
        'it needs ',
    update,
  );

  test('TVM itself that is missing', () {
    expect(
      () => TvmRuntime.load(directory: '$broken/empty'),
      refused(TvmErrorCode.library, 'libtvm_ffi.so cannot be used: there is no such file'),
    );
  });

  refuses(
    'a plugin compiled for another TVM',
    'other_line',
    '$other'
        'it was compiled for TVM 0.26.0.post1, the app holds 0.27.0.post1',
    update,
  );

  test('the right libraries load after all that, where two plugins claim one prefix', () async {
    // The one compiled for another TVM is in the process for good, and so is its claim.
    g2p.load();
    vad.load();
    await expectLater(
      g2p.openModel(),
      refused(TvmErrorCode.prefixTaken, 'prefix `g2p_` of g2p_flutter', 'another prefix'),
    );
    final model = await vad.openModel();
    await model.call('reset');
    await model.close();
  });
}
