// Owned by you: written once, an update never touches it.

import 'dart:io';

import 'package:flutter_test/flutter_test.dart';
import 'package:g2p_flutter/g2p_flutter.dart';

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

  group('G2pModel', () {
    late G2pModel model;
    setUp(() async => model = await G2pModel.open());
    tearDown(() => model.close());

    test('speaks words', () async {
      expect(await model.phonemes('cat'), ['K', 'AE1', 'T']);
      expect(await model.phonemes('Dog'), ['D', 'AO1', 'G']);
      expect(await model.phonemes('flutterby'), hasLength(greaterThan(6)));
    });

    test('answers in the order of the questions', () async {
      final answers = await Future.wait(['cat', 'dog', 'cat'].map(model.phonemes));
      expect(answers.map((phonemes) => phonemes.first), ['K', 'D', 'K']);
    });

    test('refuses what is no word, and goes on', () async {
      await expectLater(model.phonemes(''), refused(TvmErrorCode.model, 'the word is empty'));
      await expectLater(model.phonemes('two words'), refused(TvmErrorCode.model, "' '"));
      final long = 'x' * (G2pModel.maxLetters + 1);
      await expectLater(model.phonemes(long), refused(TvmErrorCode.model, 'has 64 letters'));
      expect(await model.phonemes('cat'), ['K', 'AE1', 'T']);
    });

    test('answers what was asked before it is closed, and nothing after that', () async {
      final asked = model.phonemes('cat');
      final closed = model.close();
      expect(await asked, ['K', 'AE1', 'T']);
      await closed;
      await expectLater(model.phonemes('cat'), refused(TvmErrorCode.closed, 'was closed'));
    });
  }, skip: skip);
}
