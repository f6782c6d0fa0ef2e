import 'package:demo_app/src/icons.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// One part of the screen: a title, a line that says what it is, and its content.
class Panel extends StatelessWidget {
  /// A panel around [child].
  const Panel({
    required this.glyph,
    required this.title,
    required this.subtitle,
    required this.child,
    super.key,
    this.trailing,
  });

  /// Its icon.
  final Glyph glyph;

  /// Its title.
  final String title;

  /// What it is about.
  final String subtitle;

  /// Shown at the end of the title's line.
  final Widget? trailing;

  /// Its content.
  final Widget child;

  @override
  Widget build(BuildContext context) {
    final colors = Theme.of(context).colorScheme;
    return Semantics(
      container: true,
      explicitChildNodes: true,
      label: title,
      // Tab stays in a panel until all of it was visited.
      child: FocusTraversalGroup(
        child: DecoratedBox(
          decoration: BoxDecoration(
            color: colors.panel,
            borderRadius: BorderRadius.circular(20),
            border: Border.all(color: colors.outlineVariant.withValues(alpha: 0.6)),
          ),
          child: Padding(
            padding: const EdgeInsets.fromLTRB(22, 20, 22, 22),
            child: Column(
              crossAxisAlignment: CrossAxisAlignment.stretch,
              children: [
                LayoutBuilder(builder: _head),
                const SizedBox(height: 18),
                child,
              ],
            ),
          ),
        ),
      ),
    );
  }

  /// The title's line; what trails it goes below where there is little room.
  Widget _head(BuildContext context, BoxConstraints space) {
    final theme = Theme.of(context);
    final colors = theme.colorScheme;
    final wide = space.maxWidth >= 380;
    return Row(
      spacing: 14,
      crossAxisAlignment: wide ? CrossAxisAlignment.center : CrossAxisAlignment.start,
      children: [
        Container(
          width: 40,
          height: 40,
          alignment: Alignment.center,
          decoration: BoxDecoration(
            color: colors.tint(colors.primary),
            borderRadius: BorderRadius.circular(12),
          ),
          child: GlyphIcon(glyph, size: 22, color: colors.primary),
        ),
        Expanded(
          child: Column(
            crossAxisAlignment: CrossAxisAlignment.start,
            children: [
              Semantics(header: true, child: Text(title, style: theme.textTheme.titleMedium)),
              Text(subtitle, style: theme.textTheme.bodySmall),
              if (trailing case final trailing? when !wide)
                Padding(padding: const EdgeInsets.only(top: 8), child: trailing),
            ],
          ),
        ),
        if (trailing case final trailing? when wide)
          ConstrainedBox(
            constraints: BoxConstraints(maxWidth: space.maxWidth * 0.4),
            child: trailing,
          ),
      ],
    );
  }
}

/// Says what went wrong, and what mends it.
class ProblemBanner extends StatelessWidget {
  /// Shows [problem], with a button when it can be tried [again].
  const ProblemBanner(this.problem, {super.key, this.again});

  /// What went wrong.
  final Problem problem;

  /// Tries again what failed.
  final VoidCallback? again;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final colors = theme.colorScheme;
    return Semantics(
      container: true,
      liveRegion: true,
      child: Container(
        padding: const EdgeInsets.all(14),
        decoration: BoxDecoration(
          color: colors.tint(colors.error, 0.8),
          borderRadius: BorderRadius.circular(12),
        ),
        child: Row(
          crossAxisAlignment: CrossAxisAlignment.start,
          children: [
            GlyphIcon(Glyph.warning, size: 22, color: colors.error),
            const SizedBox(width: 12),
            Expanded(
              child: Column(
                crossAxisAlignment: CrossAxisAlignment.start,
                children: [
                  SelectableText(
                    problem.message,
                    style: theme.textTheme.bodyMedium?.copyWith(fontWeight: FontWeight.w600),
                  ),
                  if (problem.mend.isNotEmpty)
                    Padding(
                      padding: const EdgeInsets.only(top: 4),
                      child: SelectableText(problem.mend, style: theme.textTheme.bodyMedium),
                    ),
                ],
              ),
            ),
            if (again != null) ...[
              const SizedBox(width: 12),
              OutlinedButton.icon(
                onPressed: again,
                icon: const GlyphIcon(Glyph.again, size: 18),
                label: const Text('Try again'),
              ),
            ],
          ],
        ),
      ),
    );
  }
}

/// Whether a panel's model is loading, ready or failed.
class ModelStatus extends StatelessWidget {
  /// The status of the model of [loader].
  const ModelStatus(this.loader, {super.key});

  /// Opens the model.
  final ModelLoader<Model> loader;

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: loader,
    builder: (context, _) {
      final colors = Theme.of(context).colorScheme;
      final (text, color) = switch (loader) {
        ModelLoader(loading: true) => ('Loading', colors.secondary),
        ModelLoader(problem: _?) => ('Failed', colors.error),
        ModelLoader(:final took) => ('Ready in ${milliseconds(took!)}', colors.primary),
      };
      return Semantics(
        label: '${loader.name}: $text',
        excludeSemantics: true,
        child: Container(
          padding: const EdgeInsets.symmetric(horizontal: 12, vertical: 6),
          decoration: BoxDecoration(
            color: colors.tint(color, 0.8),
            borderRadius: BorderRadius.circular(20),
          ),
          child: Row(
            mainAxisSize: MainAxisSize.min,
            children: [
              SizedBox.square(
                dimension: 10,
                child: loader.loading
                    ? CircularProgressIndicator(strokeWidth: 2, color: color)
                    : DecoratedBox(
                        decoration: BoxDecoration(color: color, shape: BoxShape.circle),
                      ),
              ),
              const SizedBox(width: 8),
              Flexible(
                child: Text(
                  text,
                  style: Theme.of(
                    context,
                  ).textTheme.labelMedium?.copyWith(color: color, fontWeight: FontWeight.w600),
                ),
              ),
            ],
          ),
        ),
      );
    },
  );
}

/// The keys that do the same as the control beside them; left out where there is little room.
class KeyHint extends StatelessWidget {
  /// Shows [keys], such as `Ctrl K`.
  const KeyHint(this.keys, {super.key, this.color});

  /// The keys.
  final String keys;

  /// Colour of the text and its frame.
  final Color? color;

  /// Whether the window has room for hints.
  static bool fits(BuildContext context) => MediaQuery.sizeOf(context).width >= hintsFrom;

  @override
  Widget build(BuildContext context) {
    if (!fits(context)) return const SizedBox();
    final color = this.color ?? Theme.of(context).colorScheme.onSurfaceVariant;
    return ExcludeSemantics(
      child: Container(
        padding: const EdgeInsets.symmetric(horizontal: 6, vertical: 2),
        decoration: BoxDecoration(
          borderRadius: BorderRadius.circular(6),
          border: Border.all(color: color.withValues(alpha: 0.4)),
        ),
        child: Text(keys, style: monospace.copyWith(fontSize: 11, height: 1.2, color: color)),
      ),
    );
  }
}

/// A duration in milliseconds, as exact as it makes sense: `3.2 ms`, `41 ms`.
String milliseconds(Duration duration) {
  final value = duration.inMicroseconds / 1000;
  return '${value.toStringAsFixed(value < 10 ? 1 : 0)} ms';
}
