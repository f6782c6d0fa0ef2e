import 'package:demo_app/src/events.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/phoneme.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:flutter/foundation.dart';

/// How a word is spoken, and how long the model took to say so.
typedef Pronunciation = ({String word, List<Phoneme> phonemes, Duration took});

/// What the phonemes card shows.
final class PhonemesController extends ChangeNotifier {
  /// Asks the model of [loader].
  PhonemesController(this.loader);

  /// Opens the model.
  final ModelLoader<Phonemizer> loader;

  Pronunciation? _shown;
  Problem? _problem;
  int _asked = 0;
  int _answered = 0;
  bool _disposed = false;

  /// The word that was asked for last, once it is answered.
  Pronunciation? get shown => _shown;

  /// Why it has no answer.
  Problem? get problem => _problem;

  /// Whether an answer is on its way.
  bool get busy => _asked != _answered;

  /// Asks how [text] is spoken. A later question makes an earlier answer obsolete.
  Future<void> ask(String text) async {
    final model = loader.model;
    if (model == null || _disposed) return;
    final question = ++_asked;
    final word = text.trim();
    notifyListeners();
    Pronunciation? answer;
    Problem? problem;
    if (word.isEmpty) {
      problem = const Problem('There is no word yet', 'Type one, such as flutterby');
    } else {
      try {
        final watch = Stopwatch()..start();
        final spoken = await model.phonemes(word);
        answer = (
          word: word,
          phonemes: [for (final text in spoken) Phoneme.parse(text)],
          took: watch.elapsed,
        );
        reportEvent('phonemes', {
          'word': word,
          'phonemes': spoken,
          'ms': watch.elapsedMicroseconds / 1000,
        });
      } on Object catch (error) {
        problem = Problem.of(error);
      }
    }
    if (_disposed || question != _asked) return;
    _answered = question;
    _problem = problem;
    _shown = answer;
    if (problem != null) reportEvent('problem', {'where': 'word', 'text': '$problem'});
    notifyListeners();
  }

  @override
  void dispose() {
    _disposed = true;
    super.dispose();
  }
}
