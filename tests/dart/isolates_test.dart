// Isolates that are killed at any moment, as by a hot restart: nothing crashes, nothing is left.

import 'dart:async';
import 'dart:io';
import 'dart:isolate';
import 'dart:math';
import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/src/connection.dart';
import 'package:tvm_runtime_flutter/src/library.dart';
import 'package:tvm_runtime_flutter/src/mailbox.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'support.dart';

/// A connection as a model or session holds it, whose worker can be killed.
Future<Connection> connect([String? component]) {
  final (:library, :path) = openLibrary(
    'libg2p_flutter.so',
    package: 'g2p_flutter',
    symbol: 'g2p_abi_version',
    directory: libraries,
  );
  return Connection.open(
    name: 'g2p_flutter',
    prefix: 'g2p_',
    library: path,
    plugin: NativePlugin(library, 'g2p_'),
    component: component,
  );
}

/// An app: opens models and uses them without an end. Tells its workers, so that they can be killed.
Future<void> app(SendPort workers) async {
  final words = await connect();
  final encoder = await connect('encoder');
  workers.send([words.worker, encoder.worker]);
  final sound = await vad.openModel();
  final kept = <Object?>[];
  for (var i = 0; ; i++) {
    kept.add(await encoder.call('', ['ids', row(List.filled(1 + i % 64, 3))]));
    if (kept.length > 20) kept.clear();
    await Future.wait([
      words.call('phonemes', ['flutterby']),
      sound.call('probabilities', [TvmTensor.float32(Float32List(2048))]),
    ]);
    try {
      await words.call('phonemes', ['no word']);
    } on TvmException {
      continue;
    }
  }
}

/// Runs an app for some milliseconds and kills it; [workers] says whether they are killed as well.
Future<void> runAndKill(Duration time, {required bool workers}) async {
  final told = RawReceivePort();
  final ended = ReceivePort();
  final known = <Isolate>[];
  told.handler = (List<Object?> isolates) => known.addAll(isolates.cast());
  final isolate = await Isolate.spawn(app, told.sendPort, onExit: ended.sendPort);
  await Future<void>.delayed(time);
  for (final one in [if (workers) ...known, isolate]) {
    one.kill(priority: Isolate.immediate);
  }
  await ended.first;
  told.close();
}

Future<void> untilNothingIsLeft() async {
  await untilNothingIsHeld(g2p);
  await untilNothingIsHeld(vad);
}

int get threads => Directory('/proc/self/task').listSync().length;

void main() {
  for (final workers in [false, true]) {
    test(
      'apps that are killed ${workers ? 'with their workers ' : ''}leave nothing behind',
      () async {
        final random = Random(workers ? 1 : 2);
        Future<int> kill(int times) async {
          for (var i = 0; i < times; i++) {
            final time = Duration(microseconds: random.nextInt(80000));
            await runAndKill(time, workers: workers);
          }
          await untilNothingIsLeft();
          return ProcessInfo.currentRss;
        }

        final before = await kill(80);
        final after = await kill(160);
        // A model that is left takes megabytes; isolates alone leave some kilobytes each.
        expect(after - before, lessThan(24 << 20), reason: 'bytes of resident memory');
        final model = await g2p.openModel();
        expect(await model.call('phonemes', ['cat']), 'K AE1 T');
        await model.close();
        await untilNothingIsLeft();
      },
      timeout: const Timeout(Duration(minutes: 2)),
    );
  }

  test('a worker that is killed fails its calls, and the model can be opened again', () async {
    final connection = await connect();
    final running = [
      for (var i = 0; i < 50; i++) connection.call('phonemes', ['flutterby']),
    ];
    final lost = expectLater(
      Future.wait(running),
      refused(TvmErrorCode.worker, 'ended before it answered', 'open it again'),
    );
    connection.worker.kill(priority: Isolate.immediate);
    await lost;
    await expectLater(
      Future.sync(() => connection.call('phonemes', ['cat'])),
      refused(TvmErrorCode.worker, 'the isolate of g2p_flutter ended'),
    );
    await connection.close();
    await untilNothingIsLeft();
    final again = await connect();
    expect(await again.call('phonemes', ['cat']), 'K AE1 T');
    await again.close();
  });

  test('an error that a worker does not catch is told', () async {
    final connection = await connect();
    // An argument that no check lets through.
    final call = connection.call('phonemes', [const Duration(seconds: 1)]);
    await expectLater(call, refused(TvmErrorCode.worker, 'a plugin takes no Duration'));
    await connection.close();
    await untilNothingIsLeft();
  });

  test('a model that nothing refers to is closed', () async {
    Future<void> forget() async {
      final model = await g2p.openModel();
      await model.call('phonemes', ['cat']);
    }

    await forget();
    await untilNothingIsLeft();
  });

  test('an app that ends while it opens a model leaves nothing behind', () async {
    for (var i = 0; i < 20; i++) {
      await Isolate.run(() => unawaited(g2p.openModel()));
    }
    await untilNothingIsLeft();
  });

  test('an open model does not keep an isolate from ending', () async {
    final ended = ReceivePort();
    await Isolate.spawn(_openOnly, null, onExit: ended.sendPort);
    await ended.first.timeout(const Duration(seconds: 10));
    await untilNothingIsLeft();
  });

  test('memory and threads stay as they are over many calls', () async {
    final encoder = await g2p.openSession('encoder');
    final step = await g2p.openSession('decoder_step');
    final sound = await vad.openModel();
    Future<void> call(int times) async {
      for (var i = 0; i < times; i++) {
        final hidden = (await encoder.run({
          'ids': row([3, 4, 2]),
        }))['hidden']!;
        await step.run({
          'previous': row([2]),
          'hidden': hidden,
        });
        await sound.call('reset');
      }
    }

    await call(3000);
    final (memory, tasks) = (ProcessInfo.currentRss, threads);
    await call(6000);
    expect(ProcessInfo.currentRss - memory, lessThan(8 << 20), reason: 'bytes');
    expect(threads, lessThan(tasks + 4));
    await Future.wait([encoder.close(), step.close(), sound.close()]);
    await untilNothingIsLeft();
  }, timeout: const Timeout(Duration(minutes: 2)));
}

Future<void> _openOnly(void _) async {
  await g2p.openModel();
}
