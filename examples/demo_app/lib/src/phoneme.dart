import 'package:flutter/foundation.dart';

/// How strongly a vowel is spoken.
enum Stress {
  /// Not a vowel.
  none('consonant', 'consonant'),

  /// A vowel without stress: `0` in ARPAbet.
  unstressed('unstressed vowel', 'unstressed'),

  /// `2` in ARPAbet.
  secondary('secondary stress', 'secondary'),

  /// `1` in ARPAbet.
  primary('primary stress', 'primary stress');

  const Stress(this.label, this.short);

  /// What it is.
  final String label;

  /// The same for a legend, where the others stand beside it.
  final String short;
}

/// One ARPAbet phoneme.
@immutable
final class Phoneme {
  const Phoneme._(this.symbol, this.stress);

  /// Reads ARPAbet text, such as `K` or `AE1`.
  factory Phoneme.parse(String text) {
    const stresses = {'0': Stress.unstressed, '1': Stress.primary, '2': Stress.secondary};
    final stress = stresses[text.isEmpty ? '' : text[text.length - 1]];
    return stress == null
        ? Phoneme._(text, Stress.none)
        : Phoneme._(text.substring(0, text.length - 1), stress);
  }

  /// The sound, without its stress.
  final String symbol;

  /// The stress of a vowel.
  final Stress stress;

  /// A word that has this sound; null for one that is not ARPAbet's.
  String? get example => _examples[symbol];

  /// What a screen reader says.
  String get spoken => [symbol, stress.label, if (example != null) 'as in $example'].join(', ');
}

/// The words that the CMU pronouncing dictionary gives for its sounds.
const Map<String, String> _examples = {
  'AA': 'odd', 'AE': 'at', 'AH': 'hut', 'AO': 'ought', 'AW': 'cow', 'AY': 'hide', 'B': 'be',
  'CH': 'cheese', 'D': 'dee', 'DH': 'thee', 'EH': 'Ed', 'ER': 'hurt', 'EY': 'ate', 'F': 'fee',
  'G': 'green', 'HH': 'he', 'IH': 'it', 'IY': 'eat', 'JH': 'gee', 'K': 'key', 'L': 'lee',
  'M': 'me', 'N': 'knee', 'NG': 'ping', 'OW': 'oat', 'OY': 'toy', 'P': 'pee', 'R': 'read',
  'S': 'sea', 'SH': 'she', 'T': 'tea', 'TH': 'theta', 'UH': 'hood', 'UW': 'two', 'V': 'vee',
  'W': 'we', 'Y': 'yield', 'Z': 'zee', 'ZH': 'seizure', //
};
