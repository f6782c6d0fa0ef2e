// Owned by you: written once, an update never touches it.

/// English words to ARPAbet phonemes.
library;

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmErrorCode, TvmException;

/// The network that knows how English words are spoken.
final class G2pModel {
  G2pModel._(this._model);

  /// Opens the model in an isolate of its own. Throws a [TvmException].
  static Future<G2pModel> open() async => G2pModel._(await plugin.openModel());

  /// Letters that a word may have at most.
  static const int maxLetters = 63;

  final TvmModel _model;

  /// The phonemes of one English word: `['K', 'AE1', 'T']` for `cat`.
  ///
  /// The word has at most [maxLetters] letters, a to z; an apostrophe or a hyphen is a letter that
  /// the network does not know. Throws a [TvmException] with the code `model` for anything else.
  Future<List<String>> phonemes(String word) async {
    final spoken = (await _model.call('phonemes', [word]))! as String;
    return spoken.isEmpty ? const [] : spoken.split(' ');
  }

  /// Closes the model after the calls that were made before.
  Future<void> close() => _model.close();
}
