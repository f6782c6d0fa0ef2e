/// What our own tests of the Dart API share.
library;

import 'dart:io';
import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// The folder with the libraries of all plugins, as an app's bundle holds them.
final String libraries = Platform.environment['TVMPLUG_TEST_LIBRARIES']!;

final TvmPlugin g2p = TvmPlugin('g2p_flutter', prefix: 'g2p_', directory: libraries);
final TvmPlugin vad = TvmPlugin('vad_flutter', prefix: 'vad_', directory: libraries);

/// A [TvmException] with a code and parts of its text: what is wrong, and perhaps what mends it.
Matcher refused(TvmErrorCode code, String message, [String mend = '']) => throwsA(
  isA<TvmException>()
      .having((error) => error.code, 'code', code)
      .having((error) => error.message, 'message', contains(message))
      .having((error) => error.mend, 'mend', contains(mend)),
);

/// A tensor of [values], of rank 2 with one row.
TvmTensor row(List<int> values) => TvmTensor.int64(Int64List.fromList(values), [1, values.length]);

/// Waits until nothing of a plugin's is held by Dart any more.
Future<void> untilNothingIsHeld(TvmPlugin plugin) => until(
  () => plugin.held.values.every((count) => count == 0),
  () => '${plugin.name}: ${plugin.held}',
);

/// Waits until something holds; makes garbage, so that what nothing refers to is collected.
Future<void> until(bool Function() holds, String Function() state) async {
  final waited = Stopwatch()..start();
  while (!holds()) {
    if (waited.elapsed > const Duration(seconds: 20)) fail('still ${state()}');
    await Future<void>.delayed(const Duration(milliseconds: 5));
    collectGarbage();
  }
}

/// Fills the young generation a few times over.
void collectGarbage() {
  for (var i = 0; i < 64; i++) {
    garbage = Uint8List(1 << 20);
  }
}

/// The last of it: what nobody could see would not be made at all.
Object? garbage;
