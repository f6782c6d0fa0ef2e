// Owned by you: written once, an update never touches it.

import 'dart:async';
import 'dart:io';
import 'dart:math';
import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:vad_flutter/vad_flutter.dart';

/// Noise that swells and fades, so that no two chunks are alike.
Float32List noise(int samples) {
  final random = Random(7);
  return Float32List.fromList([
    for (var i = 0; i < samples; i++) (random.nextDouble() - 0.5) * sin(i / 3000),
  ]);
}

/// [sound] in blocks of [size] samples.
Iterable<Float32List> blocks(Float32List sound, int size) sync* {
  for (var start = 0; start < sound.length; start += size) {
    yield Float32List.sublistView(sound, start, min(start + size, sound.length));
  }
}

void main() {
  // An app's bundle, which `flutter build linux` leaves in an example app, holds the libraries.
  final skip = Platform.environment.containsKey('LD_LIBRARY_PATH')
      ? false
      : 'set LD_LIBRARY_PATH to a folder with the libraries of both plugins';

  Matcher refused(TvmErrorCode code, String message) => throwsA(
    isA<TvmException>()
        .having((error) => error.code, 'code', code)
        .having((error) => error.message, 'message', contains(message)),
  );

  group('VadModel', () {
    late VadModel model;
    setUp(() async => model = await VadModel.open());
    tearDown(() => model.close());

    final sound = noise(VadModel.chunk * 20 + 100);

    test('finds no speech in silence', () async {
      final silence = Float32List(VadModel.rate);
      expect(await model.segments(silence), isEmpty);
      expect(await model.probabilities(silence), everyElement(lessThan(0.5)));
      expect(await model.segments(Float32List(0)), isEmpty);
    });

    test('listens to blocks of any size as to the whole recording', () async {
      final whole = await model.probabilities(sound);
      expect(whole, hasLength(21));
      for (final size in [1, 160, VadModel.chunk, 1000, sound.length]) {
        final heard = model.listen(Stream.fromIterable(blocks(sound, size)));
        expect(await heard.toList(), whole, reason: 'blocks of $size samples');
      }
    });

    test('takes one chunk at a time, and starts afresh when asked', () async {
      final chunk = Float32List.sublistView(sound, 0, VadModel.chunk);
      final first = await model.process(chunk);
      expect(await model.process(chunk), isNot(first));
      await model.reset();
      expect(await model.process(chunk), first);
    });

    test('stops listening when the subscription is cancelled, and starts afresh', () async {
      var stopped = false;
      final microphone = StreamController<Float32List>(onCancel: () => stopped = true);
      final heard = <double>[];
      final enough = Completer<void>();
      final subscription = model.listen(microphone.stream).listen((probability) {
        heard.add(probability);
        if (heard.length == 3) enough.complete();
      });
      blocks(sound, 700).take(5).forEach(microphone.add);
      await enough.future;
      await subscription.cancel();
      expect(stopped, isTrue);
      await microphone.close();
      final chunk = Float32List.sublistView(sound, 0, VadModel.chunk);
      expect(await model.process(chunk), heard.first);
    });

    test('passes errors on to the listener', () async {
      final spoilt = Float32List.fromList(sound)..[600] = double.nan;
      await expectLater(
        model.listen(Stream.fromIterable(blocks(spoilt, 300))).toList(),
        refused(TvmErrorCode.model, 'sample 88 is NaN'),
      );
      await expectLater(
        model.listen(Stream.error(const FileSystemException('unplugged'))).toList(),
        throwsA(isA<FileSystemException>()),
      );
      expect(await model.probabilities(sound), hasLength(21));
    });

    test('closed while it listens, it says so', () async {
      final heard = StreamIterator(model.listen(Stream.fromIterable(blocks(sound, 700))));
      expect(await heard.moveNext(), isTrue);
      await model.close();
      Future<void> listenOn() async {
        while (await heard.moveNext()) {}
      }

      await expectLater(listenOn(), refused(TvmErrorCode.closed, 'was closed'));
    });

    test('refuses what is no sound', () async {
      await expectLater(
        model.process(Float32List(100)),
        refused(TvmErrorCode.model, 'the chunk has 100 samples'),
      );
      await expectLater(
        model.probabilities(Float32List.fromList([0, double.infinity])),
        refused(TvmErrorCode.model, 'sample 1 is inf'),
      );
      await expectLater(
        model.segments(sound, threshold: 2),
        refused(TvmErrorCode.model, 'the threshold is 2'),
      );
    });
  }, skip: skip);
}
