// Owned by you: written once, an update never touches it.

/// Words of a hundred languages to IPA phonemes.
library;

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmErrorCode, TvmException;

/// How a word is spoken.
final class Phonemes {
  const Phonemes._(this.text, this.language, {required this.weightsAreRandom});

  /// The phonemes in IPA: `ˈtʃɑɹ` for `Char` in American English.
  final String text;

  /// The language it is spoken in.
  final String language;

  /// Whether the model was built with random weights, so that [text] means nothing.
  final bool weightsAreRandom;

  @override
  String toString() => weightsAreRandom ? '$text (random weights)' : text;
}

/// CharsiuG2P, the network that knows how words of many languages are spoken.
final class CharsiuG2p {
  CharsiuG2p._(this._model, this.languages, this.weights);

  /// Opens the model in an isolate of its own. Throws a [TvmException].
  static Future<CharsiuG2p> open() async {
    final model = await plugin.openModel();
    try {
      final languages = (await model.call('languages'))! as List<Object?>;
      final weights = (await model.call('weights'))! as String;
      return CharsiuG2p._(model, List.unmodifiable(languages.cast<String>()), weights);
    } on Object {
      await model.close();
      rethrow;
    }
  }

  final TvmModel _model;

  /// The languages that the model knows, by CharsiuG2P's codes: `eng-us`, `ger`, `zho-s`.
  ///
  /// `unk` is for words of any other.
  final List<String> languages;

  /// Where the weights come from.
  final String weights;

  /// Whether the model was built with random weights: its phonemes mean nothing then.
  bool get weightsAreRandom => weights.startsWith('random');

  /// How one [word] is spoken in [language], one of [languages].
  ///
  /// Throws a [TvmException] with the code `model` for another language, an empty word, and one that
  /// is longer than about 115 bytes in UTF-8; the message says how long it may be.
  Future<Phonemes> phonemize(String word, {String language = 'eng-us'}) async {
    final text = (await _model.call('phonemize', [language, word]))! as String;
    return Phonemes._(text, language, weightsAreRandom: weightsAreRandom);
  }

  /// Closes the model after the calls that were made before.
  Future<void> close() => _model.close();
}
