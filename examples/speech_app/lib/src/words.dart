/// A piece of a text between spaces: a word, and the punctuation around it.
typedef Piece = ({String before, String word, String after});

final RegExp _pieces = RegExp(r'\S+');
final RegExp _parts = RegExp(r'^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}\p{M}]*)$', unicode: true);

/// The pieces of [text], in their order. A piece without letters and digits has an empty word.
List<Piece> pieces(String text) => [
  for (final found in _pieces.allMatches(text))
    if (_parts.firstMatch(found[0]!) case final parts?)
      (before: parts[1]!, word: parts[2]!, after: parts[3]!),
];
