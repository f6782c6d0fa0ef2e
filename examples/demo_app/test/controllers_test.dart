import 'dart:async';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/phonemes_controller.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/speech_controller.dart';
import 'package:flutter_test/flutter_test.dart';

import 'fakes.dart';

void main() {
  group('a model', () {
    test('loads, and is closed at the end', () async {
      final model = FakePhonemizer({});
      final loader = ModelLoader('g2p', () async => model);
      expect(loader.loading, isTrue);
      await loader.load();
      expect(loader.model, same(model));
      expect(loader.took, isNotNull);
      loader.dispose();
      expect(model.closed, isTrue);
    });

    test('that cannot be opened tells why, and can be tried again', () async {
      var broken = true;
      final loader = ModelLoader(
        'g2p',
        () async => broken ? throw const Problem('no library', 'build it') : FakePhonemizer({}),
      );
      await loader.load();
      expect(loader.problem?.mend, 'build it');
      broken = false;
      await loader.load();
      expect(loader.problem, isNull);
      expect(loader.model, isNotNull);
    });

    test('that opens after the app has gone is closed', () async {
      final model = FakePhonemizer({});
      final opening = Completer<FakePhonemizer>();
      final loader = ModelLoader('g2p', () => opening.future);
      final loaded = loader.load();
      loader.dispose();
      opening.complete(model);
      await loaded;
      expect(model.closed, isTrue);
    });
  });

  group('words', () {
    Future<PhonemesController> controllerOf(FakePhonemizer model) async {
      final loader = ModelLoader<Phonemizer>('g2p', () async => model);
      await loader.load();
      return PhonemesController(loader);
    }

    test('are trimmed and answered', () async {
      final controller = await controllerOf(
        FakePhonemizer({
          'cat': ['K', 'AE1', 'T'],
        }),
      );
      await controller.ask('  cat ');
      expect(controller.shown?.word, 'cat');
      expect(controller.shown?.phonemes.map((phoneme) => phoneme.symbol), ['K', 'AE', 'T']);
      expect(controller.busy, isFalse);
    });

    test('an obsolete answer is not shown, whichever comes first', () async {
      final slow = Completer<List<String>>();
      final controller = await controllerOf(
        FakePhonemizer({
          'slow': slow.future,
          'fast': ['F'],
        }),
      );
      final first = controller.ask('slow');
      await controller.ask('fast');
      slow.complete(['S']);
      await first;
      expect(controller.shown?.word, 'fast');
      expect(controller.busy, isFalse);
    });

    test('a refused word takes the last answer away, and says why', () async {
      final controller = await controllerOf(
        FakePhonemizer({
          'cat': ['K', 'AE1', 'T'],
        })..refuse = (word) => Problem('$word is no word', 'Type another'),
      );
      await controller.ask('cat');
      await controller.ask('???');
      expect(controller.shown, isNull);
      expect(controller.problem?.message, '??? is no word');
    });

    test('without a word there is nothing to ask', () async {
      final controller = await controllerOf(FakePhonemizer({}));
      await controller.ask(' ');
      expect(controller.problem?.message, 'There is no word yet');
    });
  });

  group('sound', () {
    late FakeDetector model;

    Future<SpeechController> controllerOf(Services services) async {
      model = FakeDetector();
      final loader = ModelLoader<SpeechDetector>('vad', () async => model);
      await loader.load();
      final controller = SpeechController(loader, services);
      addTearDown(controller.dispose);
      await controller.openBundled();
      return controller;
    }

    test('is analysed with the threshold that was set, and again with another', () async {
      final controller = await controllerOf(fakeServices());
      await controller.analyse();
      expect(controller.segments, hasLength(2));
      expect(controller.probabilities, hasLength(controller.chunks));
      await controller.setThreshold(0.7);
      await controller.setThreshold(0.7, done: true);
      expect(model.thresholds, [0.5, 0.7]);
    });

    test('is heard block by block to its end', () async {
      final controller = await controllerOf(fakeServices());
      final done = Completer<void>();
      controller
        ..listen()
        ..addListener(() {
          if (controller.activity == Activity.idle && !done.isCompleted) done.complete();
        });
      expect(controller.activity, Activity.listening);
      await done.future;
      // One second: the last chunk is not full, and the model waits for more.
      expect(controller.probabilities, hasLength(Clip.rate ~/ Clip.chunk));
    });

    test('is no longer heard after a stop', () async {
      final controller = await controllerOf(fakeServices());
      controller.listen();
      await Future<void>.delayed(const Duration(milliseconds: 200));
      await controller.stop();
      final heard = controller.probabilities.length;
      expect(heard, inInclusiveRange(1, 20));
      expect(model.cancelled, isTrue);
      expect(controller.activity, Activity.idle);
      await Future<void>.delayed(const Duration(milliseconds: 200));
      expect(controller.probabilities, hasLength(heard));
    });

    test('of another clip takes the place of what was known of the last', () async {
      final controller = await controllerOf(fakeServices(clipFile: (path) async => shortClip()));
      await controller.analyse();
      await controller.openFile(' /a/b.wav ');
      expect(controller.segments, isNull);
      expect(controller.probabilities, isEmpty);
    });

    test('that cannot be read keeps the last clip, and says why', () async {
      final controller = await controllerOf(
        fakeServices(clipFile: (path) async => throw Problem('$path is not there', 'Check it')),
      );
      await controller.openFile('/no.wav');
      expect(controller.problem?.message, '/no.wav is not there');
      expect(controller.clip, isNotNull);
      await controller.openFile(' ');
      expect(controller.problem?.message, 'No file is named');
    });

    test('that the model refuses is told', () async {
      final controller = await controllerOf(fakeServices());
      model.failure = const Problem('NaN', 'Send numbers');
      await controller.analyse();
      expect(controller.problem?.message, 'NaN');
      expect(controller.activity, Activity.idle);
    });
  });
}
