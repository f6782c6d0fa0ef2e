import 'package:flutter/foundation.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// What went wrong, in words, and what mends it.
@immutable
final class Problem {
  /// A problem with a [message] and what to do about it.
  const Problem(this.message, this.mend);

  /// Puts any [error] into words.
  factory Problem.of(Object error) => switch (error) {
    TvmException(:final message, :final mend) => Problem(message, mend),
    _ => Problem('$error', 'Start the app again; if that does not help, report it'),
  };

  /// What is wrong.
  final String message;

  /// What mends it.
  final String mend;

  @override
  String toString() => '$message. $mend';
}
