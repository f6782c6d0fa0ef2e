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
  final colors = ColorScheme.fromSeed(
    seedColor: _seed,
    brightness: brightness,
    dynamicSchemeVariant: DynamicSchemeVariant.fidelity,
  );
  final base = ThemeData(
    colorScheme: colors,
    fontFamilyFallback: _fallback,
    // Also on a desktop, where Material would make buttons lower than fields.
    visualDensity: VisualDensity.standard,
    // The same on every platform; Android's own needs a shader among the assets.
    splashFactory: InkRipple.splashFactory,
  );
  final text = base.textTheme;
  final shape = RoundedRectangleBorder(borderRadius: BorderRadius.circular(12));
  const buttonPadding = EdgeInsets.symmetric(horizontal: 18, vertical: 16);
  final edge = BorderSide(color: colors.outlineVariant);
  // Where the keyboard is must be seen at once, which Material's own shade is too faint for.
  WidgetStateBorderSide ring(BorderSide otherwise) => WidgetStateBorderSide.resolveWith(
    (states) => states.contains(WidgetState.focused)
        ? BorderSide(color: colors.onSurface, width: 2, strokeAlign: otherwise.strokeAlign)
        : otherwise,
  );
  return base.copyWith(
    scaffoldBackgroundColor: colors.ground,
    textTheme: text.copyWith(
      headlineSmall: text.headlineSmall?.copyWith(fontWeight: FontWeight.w700, letterSpacing: -0.4),
      titleMedium: text.titleMedium?.copyWith(fontWeight: FontWeight.w700, letterSpacing: -0.1),
      bodySmall: text.bodySmall?.copyWith(color: colors.onSurfaceVariant, height: 1.4),
    ),
    filledButtonTheme: FilledButtonThemeData(
      style: FilledButton.styleFrom(
        padding: buttonPadding,
        shape: shape,
      ).copyWith(side: ring(BorderSide.none)),
    ),
    outlinedButtonTheme: OutlinedButtonThemeData(
      style: OutlinedButton.styleFrom(
        padding: buttonPadding,
        shape: shape,
      ).copyWith(side: ring(edge)),
    ),
    iconButtonTheme: IconButtonThemeData(style: ButtonStyle(side: ring(BorderSide.none))),
    segmentedButtonTheme: SegmentedButtonThemeData(
      style: SegmentedButton.styleFrom(
        visualDensity: VisualDensity.compact,
        foregroundColor: colors.onSurfaceVariant,
        selectedForegroundColor: colors.primary,
        selectedBackgroundColor: colors.tint(colors.primary),
        side: edge,
        overlayColor: colors.primary,
      ),
    ),
    chipTheme: ChipThemeData(
      backgroundColor: colors.well,
      // A chip grows by a border that lies inside of it.
      side: ring(edge.copyWith(strokeAlign: BorderSide.strokeAlignOutside)),
      labelStyle: text.labelLarge,
    ),
    inputDecorationTheme: InputDecorationTheme(
      filled: true,
      fillColor: colors.well,
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

/// Three steps from the window to what lies deepest in it: away from white, or away from black.
extension DemoColors on ColorScheme {
  bool get _dark => brightness == Brightness.dark;

  /// Behind the panels.
  Color get ground => _dark ? surfaceContainerLowest : surfaceContainerLow;

  /// A panel.
  Color get panel => _dark ? surfaceContainerLow : surfaceContainerLowest;

  /// What is let into a panel: a field, a diagram.
  Color get well => _dark ? surfaceContainerHigh : surfaceContainerLow;

  /// A panel with a little of [color] in it, on which that colour reads well.
  Color tint(Color color, [double strength = 1]) =>
      Color.alphaBlend(color.withValues(alpha: (_dark ? 0.22 : 0.13) * strength), panel);
}

/// How wide a window must be for two columns.
const double twoColumns = 960;

/// How wide a window must be to have room for the keys beside what they do.
const double hintsFrom = 560;
