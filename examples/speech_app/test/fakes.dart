/// Stand-ins for the plugins, for states that a test cannot make the real ones take.
library;

import 'dart:async';
import 'dart:typed_data';

import 'package:speech_app/src/models.dart';

/// A word model that puts the language before each word.
final class FakePhonemizer implements Phonemizer {
  /// A model whose answers wait for [wait].
  FakePhonemizer({this.weightsAreRandom = false, this.wait});

  @override
  final bool weightsAreRandom;

  /// What the answers wait for.
  final Future<void> Function(String word)? wait;

  /// Whether it was closed.
  bool closed = false;

  @override
  List<String> get languages => const ['eng-us', 'ger'];

  @override
  Future<String> phonemize(String word, {required String language}) async {
    await wait?.call(word);
    return '$language-$word';
  }

  @override
  Future<void> close() async => closed = true;
}

/// A speaker that makes a sample of each letter.
final class FakeSpeaker implements Speaker {
  /// A speaker.
  FakeSpeaker({this.weightsAreRandom = false});

  @override
  final bool weightsAreRandom;

  /// What it was asked to speak.
  final List<String> asked = [];

  /// Whether it was closed.
  bool closed = false;

  @override
  List<String> get voices => const ['heart', 'nova'];

  @override
  Future<Sound> speak(String phonemes, {required String voice}) async {
    if (phonemes.isEmpty) throw const FormatException('nothing to say');
    asked.add('$voice: $phonemes');
    return Sound(
      Float32List.fromList([for (var at = 0; at < phonemes.length; at++) at.isEven ? 0.5 : -0.5]),
      100,
    );
  }

  @override
  Future<void> close() async => closed = true;
}
