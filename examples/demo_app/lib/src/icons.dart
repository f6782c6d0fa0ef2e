/// The app's icons, drawn as strokes on a field of 24 by 24: no font has to be there for them.
library;

import 'package:flutter/material.dart';

/// An icon of this app.
enum Glyph {
  /// A waveform: the app itself.
  wave,

  /// Letters to sounds.
  word,

  /// A chip: the runtime.
  chip,

  /// Follow the desktop.
  system,

  /// Light.
  sun,

  /// Dark.
  moon,

  /// A warning.
  warning,

  /// Find speech.
  search,

  /// Listen.
  listen,

  /// Stop.
  stop,

  /// A folder.
  folder,

  /// The clip of the app's own.
  clip,

  /// All is well.
  check,

  /// A keyboard.
  keyboard,

  /// Start over.
  again,
}

/// Draws a [Glyph] in the surrounding icon theme's size and colour.
class GlyphIcon extends StatelessWidget {
  /// Draws [glyph]; it is decoration, and says nothing to a screen reader.
  const GlyphIcon(this.glyph, {super.key, this.size, this.color});

  /// What to draw.
  final Glyph glyph;

  /// Width and height; that of the icon theme where it is null.
  final double? size;

  /// Colour; that of the icon theme where it is null.
  final Color? color;

  @override
  Widget build(BuildContext context) {
    final theme = IconTheme.of(context);
    final color = this.color ?? theme.color ?? Theme.of(context).colorScheme.onSurface;
    return CustomPaint(
      size: Size.square(size ?? theme.size ?? 24),
      painter: _GlyphPainter(glyph, color),
    );
  }
}

class _GlyphPainter extends CustomPainter {
  const _GlyphPainter(this.glyph, this.color);

  final Glyph glyph;
  final Color color;

  @override
  void paint(Canvas canvas, Size size) {
    canvas.scale(size.width / 24, size.height / 24);
    final stroke = Paint()
      ..color = color
      ..style = PaintingStyle.stroke
      ..strokeWidth = 1.8
      ..strokeCap = StrokeCap.round
      ..strokeJoin = StrokeJoin.round;
    canvas.drawPath(_outlines[glyph]!(), stroke);
  }

  @override
  bool shouldRepaint(_GlyphPainter old) => old.glyph != glyph || old.color != color;
}

/// A path through points: `[x, y, x, y, ...]` for each open line.
Path _lines(List<List<double>> lines) {
  final path = Path();
  for (final line in lines) {
    path.moveTo(line[0], line[1]);
    for (var at = 2; at < line.length; at += 2) {
      path.lineTo(line[at], line[at + 1]);
    }
  }
  return path;
}

Path _circle(double x, double y, double radius) =>
    Path()..addOval(Rect.fromCircle(center: Offset(x, y), radius: radius));

Path _box(double left, double top, double right, double bottom, double radius) =>
    Path()..addRRect(RRect.fromLTRBR(left, top, right, bottom, Radius.circular(radius)));

final Map<Glyph, Path Function()> _outlines = {
  Glyph.wave: () => _lines([
    [3, 10, 3, 14],
    [7.5, 6, 7.5, 18],
    [12, 3, 12, 21],
    [16.5, 7.5, 16.5, 16.5],
    [21, 10.5, 21, 13.5],
  ]),
  Glyph.word: () => _lines([
    [3, 17, 7.5, 6, 12, 17],
    [4.7, 13, 10.3, 13],
    [15.5, 9.5, 18.5, 12, 15.5, 14.5],
    [21, 6.5, 21, 17.5],
  ]),
  Glyph.chip: () => _box(6.5, 6.5, 17.5, 17.5, 2)
    ..addPath(
      _lines([
        for (final at in <double>[9.5, 14.5]) ...[
          [at, 3, at, 6.5],
          [at, 17.5, at, 21],
          [3, at, 6.5, at],
          [17.5, at, 21, at],
        ],
      ]),
      Offset.zero,
    ),
  Glyph.system: () => _box(3, 4.5, 21, 16.5, 2)
    ..addPath(
      _lines([
        [8.5, 20.5, 15.5, 20.5],
        [12, 16.5, 12, 20.5],
      ]),
      Offset.zero,
    ),
  Glyph.sun: () => _circle(12, 12, 4)
    ..addPath(
      _lines([
        [12, 2.5, 12, 4.5],
        [12, 19.5, 12, 21.5],
        [2.5, 12, 4.5, 12],
        [19.5, 12, 21.5, 12],
        [5.3, 5.3, 6.7, 6.7],
        [17.3, 17.3, 18.7, 18.7],
        [5.3, 18.7, 6.7, 17.3],
        [17.3, 6.7, 18.7, 5.3],
      ]),
      Offset.zero,
    ),
  Glyph.moon: () => Path()
    ..moveTo(20, 14.2)
    ..arcToPoint(const Offset(9.8, 4), radius: const Radius.circular(8.4), largeArc: true)
    ..arcToPoint(const Offset(20, 14.2), radius: const Radius.circular(8), clockwise: false)
    ..close(),
  Glyph.warning: () => _lines([
    [12, 3.5, 21.5, 20, 2.5, 20, 12, 3.5],
    [12, 9.5, 12, 14],
    [12, 17, 12, 17.1],
  ]),
  Glyph.search: () => _circle(10.5, 10.5, 6.5)
    ..addPath(
      _lines([
        [15.5, 15.5, 20.5, 20.5],
      ]),
      Offset.zero,
    ),
  Glyph.listen: () => _box(9, 3, 15, 13.5, 3)
    ..moveTo(5.5, 11)
    ..arcToPoint(const Offset(18.5, 11), radius: const Radius.circular(6.5), clockwise: false)
    ..moveTo(12, 17.5)
    ..lineTo(12, 21),
  Glyph.stop: () => _box(6, 6, 18, 18, 2.5),
  Glyph.folder: () => _lines([
    [3, 18.5, 3, 5.5, 9, 5.5, 11.5, 8.5, 21, 8.5, 21, 18.5, 3, 18.5],
  ]),
  Glyph.clip: () => _box(4, 3, 20, 21, 2.5)
    ..addPath(
      _lines([
        [8, 10.5, 8, 13.5],
        [12, 7.5, 12, 16.5],
        [16, 9.5, 16, 14.5],
      ]),
      Offset.zero,
    ),
  Glyph.check: () => _circle(12, 12, 9)
    ..addPath(
      _lines([
        [8, 12.3, 11, 15.3, 16.2, 9.2],
      ]),
      Offset.zero,
    ),
  Glyph.keyboard: () => _box(2.5, 6, 21.5, 18, 2.5)
    ..addPath(
      _lines([
        for (final x in <double>[6, 10, 14, 18]) [x, 10, x, 10.1],
        [8, 14.2, 16, 14.2],
      ]),
      Offset.zero,
    ),
  Glyph.again: () => Path()
    ..addArc(Rect.fromCircle(center: const Offset(12, 12), radius: 8), -0.6, 5.2)
    ..addPath(
      _lines([
        [18.8, 3.2, 18.8, 7.6, 14.4, 7.6],
      ]),
      Offset.zero,
    ),
};
