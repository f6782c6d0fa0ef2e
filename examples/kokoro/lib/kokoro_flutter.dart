// Owned by you: written once, an update never touches it.

/// Phonemes to speech.
library;

import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmErrorCode, TvmException;

/// What was spoken: one channel of sound.
final class Speech {
  /// Speech of its own making, for tests and fakes.
  const Speech({
    required this.samples,
    this.sampleRate = Kokoro.rate,
    this.weightsAreRandom = false,
    this.skipped = '',
  });

  /// The sound, from about -1 to 1.
  final Float32List samples;

  /// Samples per second.
  final int sampleRate;

  /// Whether the network was built with random weights: then this is noise, not speech.
  final bool weightsAreRandom;

  /// The symbols of the text that the network does not know, in their order. They were left out.
  final String skipped;

  /// How long it lasts.
  Duration get duration =>
      Duration(microseconds: samples.length * Duration.microsecondsPerSecond ~/ sampleRate);
}

/// The network that speaks, with its voices.
final class Kokoro {
  Kokoro._(this._model, this.voices, {required this.weightsAreRandom});

  /// Opens the model in an isolate of its own. Throws a [TvmException].
  static Future<Kokoro> open() async {
    final model = await plugin.openModel();
    try {
      final voices = (await model.call('voices'))! as List<Object?>;
      final random = (await model.call('weights_are_random'))! as bool;
      return Kokoro._(model, List.unmodifiable(voices.cast<String>()), weightsAreRandom: random);
    } on Object {
      await model.close();
      rethrow;
    }
  }

  /// Samples per second.
  static const int rate = 24000;

  /// Symbols that a text may have at most.
  static const int maxSymbols = 510;

  final TvmModel _model;

  /// The names of the voices, one at least.
  final List<String> voices;

  /// Whether the network was built with random weights, so that it makes noise instead of speech.
  final bool weightsAreRandom;

  /// Speaks [phonemes] of the International Phonetic Alphabet, a sentence or two at a time.
  ///
  /// [voice] is one of [voices], the first if none is named. A [speed] of 2 is twice as fast as 1.
  /// Symbols that the network does not know are left out, see [Speech.skipped]. The same text, voice
  /// and speed give the same samples.
  ///
  /// Throws a [TvmException] with the code `model` for a text without any known symbol or with more
  /// than [maxSymbols] of them, a voice that there is not, a speed that is no number above 0, and
  /// speech of more than a minute.
  Future<Speech> speak(String phonemes, {String? voice, double speed = 1}) async {
    final asked = _model.call('speak', [phonemes, voice ?? voices.first, speed]);
    final skipped = _model.call('skipped', [phonemes]);
    final [sound, left] = await Future.wait([asked, skipped]);
    return Speech(
      samples: (sound! as TvmTensor).float32,
      weightsAreRandom: weightsAreRandom,
      skipped: left! as String,
    );
  }

  /// Closes the model after the calls that were made before.
  Future<void> close() => _model.close();
}
