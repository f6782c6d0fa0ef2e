import 'dart:async';

import 'package:flutter_test/flutter_test.dart';
import 'package:speech_app/src/controller.dart';
import 'package:speech_app/src/models.dart';
import 'package:speech_app/src/words.dart';

import 'fakes.dart';

Future<SpeechController> opened({FakePhonemizer? phonemizer, FakeSpeaker? speaker}) async {
  final controller = SpeechController(
    () async => (phonemizer: phonemizer ?? FakePhonemizer(), speaker: speaker ?? FakeSpeaker()),
  );
  await controller.load();
  return controller;
}

void main() {
  test('a text falls into words and the punctuation around them', () {
    expect(pieces('  "Guten Tag!" – ภาษา… 3.5'), [
      (before: '"', word: 'Guten', after: ''),
      (before: '', word: 'Tag', after: '!"'),
      (before: '–', word: '', after: ''),
      (before: '', word: 'ภาษา', after: '…'),
      (before: '', word: '3.5', after: ''),
    ]);
    expect(pieces('  '), isEmpty);
  });

  test('each word is read by the first model, and all of it spoken by the second', () async {
    final speaker = FakeSpeaker();
    final controller = await opened(speaker: speaker);
    await controller.speak('Ja, nein!', language: 'ger', voice: 'nova');
    expect(speaker.asked, ['nova: ger-Ja, ger-nein!']);
    expect(controller.spoken?.phonemes, 'ger-Ja, ger-nein!');
    expect(controller.spoken?.sound.seconds, closeTo(0.17, 1e-9));
    expect(controller.busy, isFalse);
  });

  test('a later text makes an earlier one obsolete', () async {
    final slow = Completer<void>();
    final speaker = FakeSpeaker();
    final controller = await opened(
      phonemizer: FakePhonemizer(wait: (word) => word == 'slow' ? slow.future : Future.value()),
      speaker: speaker,
    );
    final first = controller.speak('slow', language: 'ger', voice: 'nova');
    await controller.speak('fast', language: 'ger', voice: 'nova');
    slow.complete();
    await first;
    expect(controller.spoken?.phonemes, 'ger-fast');
    expect(speaker.asked, ['nova: ger-fast']);
  });

  test('what goes wrong is a problem, and the next text is spoken', () async {
    final controller = await opened();
    await controller.speak(' ', language: 'ger', voice: 'nova');
    expect(controller.problem?.message, contains('nothing to say'));
    expect(controller.spoken, isNull);
    await controller.speak('a', language: 'ger', voice: 'nova');
    expect(controller.problem, isNull);
    expect(controller.spoken, isNotNull);
  });

  test('random weights are called random, of one model or of both', () async {
    Future<String> warning({required bool phonemizer, required bool speaker}) async {
      final controller = await opened(
        phonemizer: FakePhonemizer(weightsAreRandom: phonemizer),
        speaker: FakeSpeaker(weightsAreRandom: speaker),
      );
      return controller.warning;
    }

    expect(await warning(phonemizer: false, speaker: false), isEmpty);
    expect(await warning(phonemizer: true, speaker: false), contains('charsiug2p_flutter has'));
    expect(await warning(phonemizer: false, speaker: true), contains('noises, not speech'));
    expect(await warning(phonemizer: true, speaker: true), contains('Both models'));
  });

  test('models that cannot be opened can be tried again', () async {
    var broken = true;
    final controller = SpeechController(
      () async => broken
          ? throw const FormatException('no library')
          : (phonemizer: FakePhonemizer(), speaker: FakeSpeaker()),
    );
    await controller.load();
    expect(controller.problem?.message, contains('no library'));
    broken = false;
    await controller.load();
    expect(controller.problem, isNull);
    expect(controller.models, isNotNull);
  });

  test('both models are closed at the end, also when they open after it', () async {
    final opening = Completer<Models>();
    final controller = SpeechController(() => opening.future);
    final loaded = controller.load();
    final phonemizer = FakePhonemizer();
    final speaker = FakeSpeaker();
    controller.dispose();
    opening.complete((phonemizer: phonemizer, speaker: speaker));
    await loaded;
    expect((phonemizer.closed, speaker.closed), (true, true));
  });
}
