import 'package:flutter/material.dart';

const Color _seed = Color(0xFF3F5BD9);

/// Fonts to look for where the desktop has no Roboto, best first.
const List<String> _fallback = ['Inter', 'Adwaita Sans', 'Cantarell', 'Ubuntu', 'DejaVu Sans'];

/// For symbols and keys, whose letters should be of one width.
const TextStyle monospace = TextStyle(
  fontFamily: 'monospace',
  fontFamilyFallback: ['DejaVu Sans Mono', 'Liberation Mono'],
);

/// The app's look in light or dark.
ThemeData demoTheme(Brightness brightness) {
  final colors = ColorScheme.fromSeed(seedColor: _seed, brightness: brightness);
  final base = ThemeData(colorScheme: colors, fontFamilyFallback: _fallback);
  final text = base.textTheme;
  final shape = RoundedRectangleBorder(borderRadius: BorderRadius.circular(12));
  const buttonPadding = EdgeInsets.symmetric(horizontal: 18, vertical: 16);
  return base.copyWith(
    scaffoldBackgroundColor: colors.surfaceContainerLow,
    textTheme: text.copyWith(
      headlineSmall: text.headlineSmall?.copyWith(fontWeight: FontWeight.w700, letterSpacing: -0.4),
      titleMedium: text.titleMedium?.copyWith(fontWeight: FontWeight.w700, letterSpacing: -0.1),
      bodySmall: text.bodySmall?.copyWith(color: colors.onSurfaceVariant, height: 1.4),
    ),
    filledButtonTheme: FilledButtonThemeData(
      style: FilledButton.styleFrom(padding: buttonPadding, shape: shape),
    ),
    outlinedButtonTheme: OutlinedButtonThemeData(
      style: OutlinedButton.styleFrom(padding: buttonPadding, shape: shape),
    ),
    inputDecorationTheme: InputDecorationTheme(
      filled: true,
      fillColor: colors.surfaceContainerLow,
      isDense: true,
      contentPadding: const EdgeInsets.symmetric(horizontal: 14, vertical: 16),
      border: OutlineInputBorder(
        borderRadius: BorderRadius.circular(12),
        borderSide: BorderSide(color: colors.outlineVariant),
      ),
      enabledBorder: OutlineInputBorder(
        borderRadius: BorderRadius.circular(12),
        borderSide: BorderSide(color: colors.outlineVariant),
      ),
    ),
    tooltipTheme: const TooltipThemeData(waitDuration: Duration(milliseconds: 400)),
  );
}

/// How wide a window must be for two columns.
const double twoColumns = 960;
