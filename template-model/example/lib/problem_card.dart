// Owned by you: written once, an update never touches it.

import 'package:flutter/material.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// Says what went wrong, and what mends it.
class ProblemCard extends StatelessWidget {
  /// Shows [problem], with a button when it can be tried [again].
  const ProblemCard(this.problem, {super.key, this.again});

  /// What went wrong.
  final Object problem;

  /// Tries again what failed.
  final VoidCallback? again;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final (message, mend) = switch (problem) {
      TvmException(:final message, :final mend) => (message, mend),
      _ => ('$problem', ''),
    };
    return Semantics(
      container: true,
      liveRegion: true,
      child: Container(
        margin: const EdgeInsets.only(top: 12),
        padding: const EdgeInsets.all(16),
        decoration: BoxDecoration(
          color: theme.colorScheme.errorContainer,
          borderRadius: BorderRadius.circular(12),
        ),
        child: Column(
          crossAxisAlignment: CrossAxisAlignment.start,
          spacing: 8,
          children: [
            SelectableText(
              message,
              style: theme.textTheme.titleSmall?.copyWith(
                color: theme.colorScheme.onErrorContainer,
              ),
            ),
            if (mend.isNotEmpty)
              SelectableText(
                mend,
                style: theme.textTheme.bodyMedium?.copyWith(
                  color: theme.colorScheme.onErrorContainer,
                ),
              ),
            if (again != null) OutlinedButton(onPressed: again, child: const Text('Try again')),
          ],
        ),
      ),
    );
  }
}
