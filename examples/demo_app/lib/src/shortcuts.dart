import 'package:demo_app/src/panel.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

/// A key combination of the app.
enum AppShortcut {
  /// Go to the word field.
  word('Ctrl K', 'Type a word', SingleActivator(LogicalKeyboardKey.keyK, control: true)),

  /// Find speech.
  analyse('Ctrl R', 'Find speech', SingleActivator(LogicalKeyboardKey.keyR, control: true)),

  /// Start listening.
  listen('Ctrl L', 'Listen live', SingleActivator(LogicalKeyboardKey.keyL, control: true)),

  /// Stop listening.
  stop('Esc', 'Stop listening', SingleActivator(LogicalKeyboardKey.escape)),

  /// Go to the path field.
  file('Ctrl O', 'Open a recording', SingleActivator(LogicalKeyboardKey.keyO, control: true)),

  /// Change between light and dark.
  theme('Ctrl D', 'Light or dark', SingleActivator(LogicalKeyboardKey.keyD, control: true)),

  /// Show this list.
  help('F1', 'These shortcuts', SingleActivator(LogicalKeyboardKey.f1));

  const AppShortcut(this.label, this.does, this.keys);

  /// The keys, as they stand on a keyboard.
  final String label;

  /// What they do.
  final String does;

  /// The keys, as Flutter knows them.
  final SingleActivator keys;
}

/// Shows all shortcuts; Escape closes them.
Future<void> showShortcuts(BuildContext context) => showDialog<void>(
  context: context,
  builder: (context) => AlertDialog(
    title: const Text('Keyboard shortcuts'),
    content: Column(
      mainAxisSize: MainAxisSize.min,
      children: [
        for (final shortcut in AppShortcut.values)
          Padding(
            padding: const EdgeInsets.symmetric(vertical: 6),
            child: MergeSemantics(
              child: Row(
                spacing: 40,
                mainAxisAlignment: MainAxisAlignment.spaceBetween,
                children: [
                  Text(shortcut.does),
                  Semantics(label: shortcut.label, child: KeyHint(shortcut.label)),
                ],
              ),
            ),
          ),
      ],
    ),
    actions: [
      TextButton(
        autofocus: true,
        onPressed: () => Navigator.of(context).pop(),
        child: const Text('Close'),
      ),
    ],
  ),
);
