// Owned by you: written once, an update never touches it.

/// English words to ARPAbet phonemes.
library;

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmException;

/// The network that knows how English words are spoken.
final class G2pModel {
  /// Opens the model. Throws a [TvmException].
  G2pModel() : _model = plugin.openModel();

  final TvmModel _model;

  /// The phonemes of one English word: `['K', 'AE1', 'T']` for `cat`.
  ///
  /// The word has at most 63 letters, a to z; an apostrophe or a hyphen is a letter that the network
  /// does not know. Throws a [TvmException] for anything else.
  List<String> phonemes(String word) {
    final spoken = _model.call('phonemes', [word])! as String;
    return spoken.isEmpty ? const [] : spoken.split(' ');
  }

  /// Gives the model's memory back.
  void close() => _model.close();
}
