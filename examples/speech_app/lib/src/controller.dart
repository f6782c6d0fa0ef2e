import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:speech_app/src/events.dart';
import 'package:speech_app/src/models.dart';
import 'package:speech_app/src/problem.dart';
import 'package:speech_app/src/words.dart';

/// What became of a text.
@immutable
final class Spoken {
  /// The [phonemes] of a text, their [sound], and how long each model took.
  const Spoken({
    required this.phonemes,
    required this.sound,
    required this.reading,
    required this.speaking,
  });

  /// The phonemes, with the text's punctuation.
  final String phonemes;

  /// The sound.
  final Sound sound;

  /// How long the first model took.
  final Duration reading;

  /// How long the second model took.
  final Duration speaking;
}

/// What the screen shows: both models, and what became of the last text.
final class SpeechController extends ChangeNotifier {
  /// Opens the models with [_open].
  SpeechController(this._open);

  final Future<Models> Function() _open;
  bool _disposed = false;
  int _asked = 0;

  /// The models; null while they are opened, and when they could not be.
  Models? get models => _models;
  Models? _models;

  /// What the last text became.
  Spoken? get spoken => _spoken;
  Spoken? _spoken;

  /// What went wrong last.
  Problem? get problem => _problem;
  Problem? _problem;

  /// Whether the models are at work.
  bool get busy => _busy;
  bool _busy = false;

  /// What the user must know of the weights; empty when both models have real ones.
  String get warning {
    final models = _models;
    if (models == null) return '';
    return switch ((models.phonemizer.weightsAreRandom, models.speaker.weightsAreRandom)) {
      (true, true) => 'Both models have random weights: noises, not speech.',
      (true, false) => 'charsiug2p_flutter has random weights: what is spoken is not the text.',
      (false, true) => 'kokoro_flutter has random weights: noises, not speech.',
      (false, false) => '',
    };
  }

  /// Opens the models; again after it failed.
  Future<void> load() async {
    _problem = null;
    notifyListeners();
    try {
      final models = await _open();
      if (_disposed) return await _close(models);
      _models = models;
      reportEvent('opened', {'warning': warning});
    } on Object catch (error) {
      _problem = Problem.of(error);
    }
    if (!_disposed) notifyListeners();
  }

  /// Speaks [text]: each word's phonemes in [language], then their sound with [voice].
  ///
  /// A later text makes an earlier one obsolete.
  Future<void> speak(String text, {required String language, required String voice}) async {
    final models = _models;
    if (models == null || _disposed) return;
    final question = ++_asked;
    _busy = true;
    _problem = null;
    notifyListeners();
    Spoken? spoken;
    Problem? problem;
    try {
      final watch = Stopwatch()..start();
      final phonemes = await _phonemes(models.phonemizer, text, language);
      final reading = watch.elapsed;
      // Nobody waits for the sound of an obsolete text.
      if (_disposed || question != _asked) return;
      final sound = await models.speaker.speak(phonemes, voice: voice);
      spoken = Spoken(
        phonemes: phonemes,
        sound: sound,
        reading: reading,
        speaking: watch.elapsed - reading,
      );
    } on Object catch (error) {
      problem = Problem.of(error);
    }
    if (_disposed || question != _asked) return;
    _busy = false;
    _spoken = spoken;
    _problem = problem;
    notifyListeners();
    _report();
  }

  void _report() {
    if (_spoken case Spoken(:final phonemes, :final sound)) {
      reportEvent('spoken', {
        'phonemes': phonemes,
        'seconds': sound.seconds,
        'loudest': peak(sound.samples, 0, sound.samples.length),
      });
    }
    if (_problem case final problem?) reportEvent('problem', {'text': '$problem'});
  }

  static Future<String> _phonemes(Phonemizer model, String text, String language) async {
    final words = pieces(text);
    final spoken = await Future.wait([
      for (final piece in words)
        piece.word.isEmpty ? Future.value('') : model.phonemize(piece.word, language: language),
    ]);
    return [
      for (final (at, piece) in words.indexed) '${piece.before}${spoken[at]}${piece.after}',
    ].join(' ');
  }

  static Future<void> _close(Models models) =>
      Future.wait([models.phonemizer.close(), models.speaker.close()]);

  @override
  void dispose() {
    _disposed = true;
    if (_models case final models?) unawaited(_close(models));
    super.dispose();
  }
}
