/// The real models: two plugins over one TVM runtime.
library;

import 'package:charsiug2p_flutter/charsiug2p_flutter.dart';
import 'package:kokoro_flutter/kokoro_flutter.dart';
import 'package:speech_app/src/models.dart';

/// Opens both models.
Future<Models> openPlugins() async {
  final phonemizer = await CharsiuG2p.open();
  try {
    return (phonemizer: _CharsiuG2p(phonemizer), speaker: _Kokoro(await Kokoro.open()));
  } on Object {
    await phonemizer.close();
    rethrow;
  }
}

final class _CharsiuG2p implements Phonemizer {
  const _CharsiuG2p(this._model);

  final CharsiuG2p _model;

  @override
  List<String> get languages => _model.languages;

  @override
  bool get weightsAreRandom => _model.weightsAreRandom;

  @override
  Future<String> phonemize(String word, {required String language}) async =>
      (await _model.phonemize(word, language: language)).text;

  @override
  Future<void> close() => _model.close();
}

final class _Kokoro implements Speaker {
  const _Kokoro(this._model);

  final Kokoro _model;

  @override
  List<String> get voices => _model.voices;

  @override
  bool get weightsAreRandom => _model.weightsAreRandom;

  @override
  Future<Sound> speak(String phonemes, {required String voice}) async {
    final speech = await _model.speak(phonemes, voice: voice);
    return Sound(speech.samples, speech.sampleRate);
  }

  @override
  Future<void> close() => _model.close();
}
