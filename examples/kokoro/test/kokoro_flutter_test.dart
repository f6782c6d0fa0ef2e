// Owned by you: written once, an update never touches it.

import 'dart:io';

import 'package:flutter_test/flutter_test.dart';
import 'package:kokoro_flutter/kokoro_flutter.dart';

void main() {
  // An app's bundle, which `flutter build linux` leaves in an example app, holds the libraries.
  final skip = Platform.environment.containsKey('LD_LIBRARY_PATH')
      ? false
      : 'set LD_LIBRARY_PATH to a folder with the libraries of both plugins';

  Matcher refused(String message) => throwsA(
    isA<TvmException>()
        .having((error) => error.code, 'code', TvmErrorCode.model)
        .having((error) => error.message, 'message', contains(message)),
  );

  group('Kokoro', () {
    late Kokoro kokoro;
    setUp(() async => kokoro = await Kokoro.open());
    tearDown(() => kokoro.close());

    test('speaks, as long as it says', () async {
      final speech = await kokoro.speak('həlˈO');
      expect(speech.sampleRate, Kokoro.rate);
      expect(speech.samples.length % 600, 0);
      expect(speech.duration.inMilliseconds, speech.samples.length ~/ 24);
      expect(speech.samples, everyElement(predicate<double>((sample) => sample.isFinite)));
      expect(speech.weightsAreRandom, kokoro.weightsAreRandom);
      expect(speech.skipped, isEmpty);
    });

    test('says the same twice, and less at twice the speed', () async {
      final once = await kokoro.speak('həlˈO');
      expect((await kokoro.speak('həlˈO')).samples, once.samples);
      final fast = await kokoro.speak('həlˈO', speed: 2);
      expect(fast.samples.length, lessThan(once.samples.length));
    });

    test('has voices that differ', () async {
      final [first, ..., last] = [for (final voice in kokoro.voices) voice];
      final spoken = await kokoro.speak('həlˈO', voice: first);
      expect((await kokoro.speak('həlˈO')).samples, spoken.samples);
      expect((await kokoro.speak('həlˈO', voice: last)).samples, isNot(spoken.samples));
    });

    test('leaves out what it does not know, and says so', () async {
      final speech = await kokoro.speak('h1əlˈ#O');
      expect(speech.skipped, '1#');
    });

    test('refuses what cannot be spoken, and goes on', () async {
      await expectLater(kokoro.speak(''), refused('no symbol that the network knows'));
      await expectLater(kokoro.speak('123'), refused('no symbol that the network knows'));
      final long = 'a' * (Kokoro.maxSymbols + 1);
      await expectLater(kokoro.speak(long), refused('has 511 symbols'));
      await expectLater(kokoro.speak('a', voice: 'nobody'), refused('no voice "nobody"'));
      await expectLater(kokoro.speak('a', speed: 0), refused('the speed is 0'));
      expect((await kokoro.speak('a')).samples, isNotEmpty);
    });
  }, skip: skip);
}
