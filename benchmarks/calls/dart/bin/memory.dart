/// Calls a component many times and prints how much memory the process holds on the way, as JSON:
/// the resident bytes after each tenth of the calls.
///
/// Usage: memory LIBRARY_FOLDER CALLS
library;

import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

Future<void> main(List<String> arguments) async {
  final [folder, calls] = arguments;
  final plugin = TvmPlugin('calls_flutter', prefix: 'calls_', directory: folder);
  final session = await plugin.openSession('tiny');
  final resident = <int>[];
  for (var tenth = 0; tenth < 10; tenth++) {
    for (var call = 0; call < int.parse(calls) ~/ 10; call++) {
      final outputs = await session.run({'x': TvmTensor.float32(Float32List(16))});
      if (outputs['y']!.float32[0] != 1) throw StateError('relu(0) + 1 is not ${outputs['y']}');
    }
    resident.add(ProcessInfo.currentRss);
  }
  await session.close();
  stdout.writeln(jsonEncode({'resident_bytes': resident}));
}
