/// What the app needs of its two models, behind interfaces small enough to stand in for.
library;

import 'dart:math';

import 'package:flutter/foundation.dart';

/// Turns words into phonemes.
abstract interface class Phonemizer {
  /// The languages that it knows, by their codes.
  List<String> get languages;

  /// Whether its weights are random, so that its phonemes mean nothing.
  bool get weightsAreRandom;

  /// The phonemes of one [word] in [language].
  Future<String> phonemize(String word, {required String language});

  /// Gives the model's memory back.
  Future<void> close();
}

/// Sound of one channel.
@immutable
final class Sound {
  /// Sound of [samples], from -1 to 1, [rate] of them a second.
  const Sound(this.samples, this.rate);

  /// The samples.
  final Float32List samples;

  /// Samples per second.
  final int rate;

  /// How long it lasts, in seconds.
  double get seconds => samples.length / rate;
}

/// Turns phonemes into sound.
abstract interface class Speaker {
  /// The names of its voices.
  List<String> get voices;

  /// Whether its weights are random, so that it makes noises.
  bool get weightsAreRandom;

  /// Speaks [phonemes] with [voice].
  Future<Sound> speak(String phonemes, {required String voice});

  /// Gives the model's memory back.
  Future<void> close();
}

/// Both models, open.
typedef Models = ({Phonemizer phonemizer, Speaker speaker});

/// The largest distance from zero in a part of [samples].
double peak(Float32List samples, int start, int end) {
  var found = 0.0;
  for (var at = start; at < end; at++) {
    found = max(found, samples[at].abs());
  }
  return found;
}
