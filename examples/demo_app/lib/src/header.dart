import 'dart:async';

import 'package:demo_app/src/icons.dart';
import 'package:demo_app/src/shortcuts.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// What the app is, its theme, and its help.
class Header extends StatelessWidget {
  /// Shows [mode], and asks for another by [onMode].
  const Header({required this.mode, required this.onMode, super.key});

  /// Light, dark, or the desktop's choice.
  final ThemeMode mode;

  /// Called with another mode.
  final ValueChanged<ThemeMode> onMode;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final wide = MediaQuery.sizeOf(context).width >= twoColumns;
    return Padding(
      padding: EdgeInsets.fromLTRB(wide ? 24 : 16, 16, wide ? 24 : 16, 14),
      child: Center(
        child: ConstrainedBox(
          constraints: const BoxConstraints(maxWidth: 1480),
          child: Row(
            children: [
              Expanded(
                child: Column(
                  crossAxisAlignment: CrossAxisAlignment.start,
                  children: [
                    Semantics(
                      header: true,
                      child: Text('tvmplug demo', style: theme.textTheme.headlineSmall),
                    ),
                    if (wide)
                      Text(
                        'Two model plugins in one app, over one TVM runtime',
                        style: theme.textTheme.bodySmall,
                      ),
                  ],
                ),
              ),
              const SizedBox(width: 12),
              IconButton(
                tooltip: 'Keyboard shortcuts (${AppShortcut.help.label})',
                onPressed: () => unawaited(showShortcuts(context)),
                icon: const GlyphIcon(Glyph.keyboard, size: 22),
              ),
              const SizedBox(width: 8),
              SegmentedButton<ThemeMode>(
                showSelectedIcon: false,
                segments: const [
                  ButtonSegment(
                    value: ThemeMode.system,
                    icon: GlyphIcon(Glyph.system, size: 18),
                    tooltip: 'As the desktop',
                  ),
                  ButtonSegment(
                    value: ThemeMode.light,
                    icon: GlyphIcon(Glyph.sun, size: 18),
                    tooltip: 'Light (Ctrl D)',
                  ),
                  ButtonSegment(
                    value: ThemeMode.dark,
                    icon: GlyphIcon(Glyph.moon, size: 18),
                    tooltip: 'Dark (Ctrl D)',
                  ),
                ],
                selected: {mode},
                onSelectionChanged: (chosen) => onMode(chosen.single),
              ),
            ],
          ),
        ),
      ),
    );
  }
}
