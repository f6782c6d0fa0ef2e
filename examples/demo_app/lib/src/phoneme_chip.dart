import 'package:demo_app/src/phoneme.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// One phoneme; a vowel shows by colour and bar how strongly it is spoken.
class PhonemeChip extends StatelessWidget {
  /// Shows [phoneme].
  const PhonemeChip(this.phoneme, {super.key});

  /// The phoneme.
  final Phoneme phoneme;

  @override
  Widget build(BuildContext context) {
    final look = _Look.of(phoneme.stress, Theme.of(context).colorScheme);
    return Tooltip(
      message: [
        phoneme.stress.label,
        if (phoneme.example case final word?) 'as in “$word”',
      ].join('\n'),
      excludeFromSemantics: true,
      child: Semantics(
        label: phoneme.spoken,
        excludeSemantics: true,
        child: Container(
          constraints: const BoxConstraints(minWidth: 46),
          padding: const EdgeInsets.fromLTRB(10, 8, 10, 7),
          decoration: BoxDecoration(
            color: look.fill,
            borderRadius: BorderRadius.circular(10),
            border: Border.all(color: look.edge),
          ),
          child: Column(
            mainAxisSize: MainAxisSize.min,
            children: [
              Text(
                phoneme.symbol,
                style: monospace.copyWith(
                  fontSize: 18,
                  height: 1.2,
                  fontWeight: FontWeight.w700,
                  color: look.ink,
                ),
              ),
              const SizedBox(height: 4),
              Container(
                width: 22,
                height: 3,
                decoration: BoxDecoration(color: look.bar, borderRadius: BorderRadius.circular(2)),
              ),
            ],
          ),
        ),
      ),
    );
  }
}

/// The colours of a phoneme.
final class _Look {
  const _Look(this.fill, this.ink, this.edge, this.bar);

  factory _Look.of(Stress stress, ColorScheme colors) => switch (stress) {
    Stress.none => _Look(
      colors.well,
      colors.onSurfaceVariant,
      colors.outlineVariant,
      Colors.transparent,
    ),
    Stress.unstressed => _Look(
      colors.tint(colors.primary, 0.6),
      colors.primary,
      colors.tint(colors.primary, 0.6),
      Colors.transparent,
    ),
    Stress.secondary => _Look(
      colors.tint(colors.primary, 2.2),
      colors.primary,
      colors.tint(colors.primary, 2.2),
      colors.primary,
    ),
    Stress.primary => _Look(colors.primary, colors.onPrimary, colors.primary, colors.onPrimary),
  };

  final Color fill;
  final Color ink;
  final Color edge;
  final Color bar;
}

/// What the looks of phonemes mean.
class StressLegend extends StatelessWidget {
  /// One entry for each stress.
  const StressLegend({super.key});

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return ExcludeSemantics(
      child: Wrap(
        spacing: 16,
        runSpacing: 6,
        children: [
          for (final stress in Stress.values.reversed)
            Row(
              mainAxisSize: MainAxisSize.min,
              spacing: 6,
              children: [
                Container(
                  width: 12,
                  height: 12,
                  decoration: BoxDecoration(
                    color: _Look.of(stress, theme.colorScheme).fill,
                    borderRadius: BorderRadius.circular(4),
                    border: Border.all(color: _Look.of(stress, theme.colorScheme).edge),
                  ),
                ),
                Text(stress.short, style: theme.textTheme.bodySmall),
              ],
            ),
        ],
      ),
    );
  }
}
