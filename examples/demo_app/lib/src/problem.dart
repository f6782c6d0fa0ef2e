import 'dart:io';

import 'package:flutter/foundation.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// What went wrong, in words, and what mends it.
@immutable
final class Problem implements Exception {
  /// A problem with a [message] and what to do about it.
  const Problem(this.message, this.mend);

  /// Puts any [error] of the app's into words.
  factory Problem.of(Object error) => switch (error) {
    final Problem problem => problem,
    TvmException(:final message, :final mend) => Problem(_sentence(message), _sentence(mend)),
    FileSystemException(:final path, :final osError) => Problem(
      'The file ${path ?? ''} cannot be read: ${osError?.message ?? error.message}',
      'Check its name, and that you may read it',
    ),
    _ => Problem('$error', 'Start the app again; if that does not help, report it'),
  };

  /// What is wrong.
  final String message;

  /// What mends it; may be empty.
  final String mend;

  @override
  String toString() => mend.isEmpty ? message : '$message. $mend';

  static String _sentence(String text) =>
      text.isEmpty ? text : text[0].toUpperCase() + text.substring(1);
}
