/// Times calls of a component and prints one JSON object.
///
/// Usage: calls LIBRARY_FOLDER CALLS COMPONENT SHAPE, where a shape is 1x3x224x224 and the
/// component has one float32 input `x`.
library;

import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

Future<void> main(List<String> arguments) async {
  final [folder, calls, component, extents] = arguments;
  final shape = extents.split('x').map(int.parse).toList();
  final found = await _measure(folder, int.parse(calls), component, shape);
  stdout.writeln(jsonEncode(found));
}

Future<Map<String, double>> _measure(
  String folder,
  int calls,
  String component,
  List<int> shape,
) async {
  final start = Stopwatch()..start();
  final plugin = TvmPlugin('calls_flutter', prefix: 'calls_', directory: folder)..load();
  final loaded = _seconds(start);
  final session = await plugin.openSession(component);
  final opened = _seconds(start);
  final values = Float32List(shape.fold(1, (product, extent) => product * extent));
  for (var i = 0; i < values.length; i++) {
    values[i] = (i % 101) / 101;
  }
  final list = TvmTensor.float32(values, shape);
  final buffer = session.allocate(TvmDtype.float32, shape);
  buffer.float32.setAll(0, values);
  start.reset();
  await session.run({'x': list});
  final first = _seconds(start);

  final echo = await _Echo.start();
  final medians = await _mediansInTurn(calls, [
    () => session.run({'x': list}),
    () => session.run({'x': buffer}),
    echo.call,
  ]);
  echo.close();
  await session.close();
  return {
    'load_s': loaded,
    'open_s': opened - loaded,
    'dart_first_s': first,
    'dart_list_s': medians[0],
    'dart_buffer_s': medians[1],
    'messages_s': medians[2],
  };
}

/// Medians of each kind of work, call by call in turn, so that whatever else the machine does falls
/// on all of them.
Future<List<double>> _mediansInTurn(int calls, List<Future<Object?> Function()> kinds) async {
  final times = [for (final _ in kinds) <double>[]];
  final watch = Stopwatch()..start();
  for (var call = 0; call < calls; call++) {
    for (final (kind, work) in kinds.indexed) {
      watch.reset();
      await work();
      times[kind].add(_seconds(watch));
    }
  }
  return [for (final kind in times) (kind..sort())[calls ~/ 2]];
}

double _seconds(Stopwatch watch) => watch.elapsedMicroseconds / Duration.microsecondsPerSecond;

/// An isolate that sends back what it gets: what two messages cost by themselves.
final class _Echo {
  _Echo._(this._there, this._back);

  static Future<_Echo> start() async {
    final back = ReceivePort();
    final answers = StreamIterator(back);
    await Isolate.spawn(_work, back.sendPort);
    await answers.moveNext();
    return _Echo._(answers.current as SendPort, answers);
  }

  final SendPort _there;
  final StreamIterator<Object?> _back;

  Future<void> call() async {
    _there.send((0, '', const <Object?>['x', 1]));
    await _back.moveNext();
  }

  void close() {
    _there.send(null);
    _back.cancel();
  }

  static void _work(SendPort back) {
    final requests = RawReceivePort();
    requests.handler = (Object? message) =>
        message == null ? requests.close() : back.send((0, const <Object?>[1], null));
    back.send(requests.sendPort);
  }
}
