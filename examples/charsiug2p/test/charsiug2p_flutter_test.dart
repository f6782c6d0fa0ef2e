// Owned by you: written once, an update never touches it.

import 'dart:io';

import 'package:charsiug2p_flutter/charsiug2p_flutter.dart';
import 'package:flutter_test/flutter_test.dart';

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

  group('CharsiuG2p', () {
    late CharsiuG2p model;
    setUp(() async => model = await CharsiuG2p.open());
    tearDown(() => model.close());

    test('speaks a word, the same way each time', () async {
      final first = await model.phonemize('charsiu');
      final second = await model.phonemize('charsiu', language: 'eng-us');
      expect(first.text, second.text);
      expect(first.language, 'eng-us');
    });

    test('hears the language', () async {
      final spoken = {
        for (final language in ['eng-us', 'ger', 'unk'])
          (await model.phonemize('Wort', language: language)).text,
      };
      expect(spoken, hasLength(3));
    });

    test('says whether its weights are random', () async {
      final spoken = await model.phonemize('charsiu');
      expect(spoken.weightsAreRandom, model.weightsAreRandom);
      expect('$spoken'.endsWith(' (random weights)'), model.weights.startsWith('random'));
    });

    test('knows a hundred languages', () {
      expect(model.languages, hasLength(greaterThanOrEqualTo(100)));
      expect(model.languages, containsAll(['eng-us', 'kor', 'unk']));
    });

    test('refuses what it cannot speak, and goes on', () async {
      await expectLater(
        model.phonemize('word', language: 'klingon'),
        refused('"klingon" is no language that the model knows'),
      );
      await expectLater(model.phonemize(' '), refused('the word is empty'));
      await expectLater(model.phonemize('x' * 200), refused('the word has 200 bytes'));
      expect((await model.phonemize('word')).language, 'eng-us');
    });
  }, skip: skip);
}
