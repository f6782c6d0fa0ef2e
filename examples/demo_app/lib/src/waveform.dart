import 'dart:math';
import 'dart:typed_data';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// What a [WaveformPainter] draws.
@immutable
final class Trace {
  /// A picture of [clip], as far as it is known.
  const Trace({
    required this.clip,
    required this.probabilities,
    required this.segments,
    required this.threshold,
    required this.listening,
  });

  /// The sound.
  final Clip clip;

  /// The probability of speech in each chunk; shorter than the clip while listening.
  final List<double> probabilities;

  /// The stretches of speech.
  final List<Stretch> segments;

  /// From which probability on a chunk counts as speech.
  final double threshold;

  /// Whether a mark shows how far the clip was heard.
  final bool listening;

  /// The sample up to which the clip was heard.
  int get heard => min(probabilities.length * Clip.chunk, clip.samples.length);
}

/// Draws the waveform, the speech in it, and the probability curve below, over one time axis.
class WaveformPainter extends CustomPainter {
  /// Draws [trace] in [colors]; [label] is the style of numbers on the axes.
  const WaveformPainter(this.trace, this.colors, this.label, this.heard);

  /// What to draw.
  final Trace trace;

  /// How many probabilities are known: the list itself grows in place while listening.
  final int heard;

  /// The colours.
  final ColorScheme colors;

  /// Style of the numbers.
  final TextStyle label;

  static const double _axis = 20;
  static const double _gap = 26;

  @override
  void paint(Canvas canvas, Size size) {
    final drawn = size.height - _axis - _gap;
    final wave = Rect.fromLTWH(0, 0, size.width, drawn * 0.62);
    final curve = Rect.fromLTRB(0, wave.bottom + _gap, size.width, size.height - _axis);
    _field(canvas, wave);
    _field(canvas, curve);
    for (final segment in trace.segments) {
      _highlight(canvas, wave, segment);
    }
    _sound(canvas, wave.deflate(6));
    _curve(canvas, curve);
    _text(canvas, 'Probability of speech', Offset(0, wave.bottom + 7));
    if (trace.listening) _mark(canvas, Rect.fromLTRB(0, wave.top, size.width, curve.bottom));
    _seconds(canvas, Rect.fromLTRB(0, curve.bottom, size.width, size.height));
  }

  double _x(Rect area, int sample) => area.left + area.width * sample / trace.clip.samples.length;

  void _field(Canvas canvas, Rect area) => canvas.drawRRect(
    RRect.fromRectAndRadius(area, const Radius.circular(10)),
    Paint()..color = colors.well,
  );

  void _highlight(Canvas canvas, Rect area, Stretch segment) {
    final box = Rect.fromLTRB(
      _x(area, segment.start),
      area.top,
      _x(area, segment.end),
      area.bottom,
    );
    final rounded = RRect.fromRectAndRadius(box, const Radius.circular(8));
    canvas
      ..drawRRect(rounded, Paint()..color = colors.tint(colors.primary))
      ..drawRRect(
        rounded.deflate(0.5),
        Paint()
          ..style = PaintingStyle.stroke
          ..color = colors.primary.withValues(alpha: 0.35),
      );
  }

  /// One bar for every three pixels, as high as the loudest sample in it.
  void _sound(Canvas canvas, Rect area) {
    const step = 3.0;
    final samples = trace.clip.samples;
    final columns = max(1, area.width ~/ step);
    final loudest = max(0.05, peak(samples, 0, samples.length));
    final paint = Paint()
      ..strokeWidth = 2
      ..strokeCap = StrokeCap.round;
    final quiet = colors.onSurfaceVariant.withValues(alpha: 0.45);
    for (var column = 0; column < columns; column++) {
      final start = samples.length * column ~/ columns;
      final end = samples.length * (column + 1) ~/ columns;
      final height = max(1.0, area.height / 2 * peak(samples, start, end) / loudest);
      final x = area.left + (column + 0.5) * area.width / columns;
      paint.color = _spoken(start, end) ? colors.primary : quiet;
      canvas.drawLine(
        Offset(x, area.center.dy - height),
        Offset(x, area.center.dy + height),
        paint,
      );
    }
  }

  bool _spoken(int start, int end) {
    if (!trace.listening) {
      return trace.segments.any((segment) => segment.start < end && start < segment.end);
    }
    final chunk = start ~/ Clip.chunk;
    return chunk < heard && trace.probabilities[chunk] >= trace.threshold;
  }

  void _curve(Canvas canvas, Rect area) {
    final inside = area.deflate(6);
    double y(double probability) => inside.bottom - inside.height * probability;
    if (heard > 0) {
      final line = Path();
      for (var chunk = 0; chunk < heard; chunk++) {
        final x = _x(area, min(chunk * Clip.chunk + Clip.chunk ~/ 2, trace.clip.samples.length));
        final at = y(trace.probabilities[chunk]);
        chunk == 0 ? line.moveTo(x, at) : line.lineTo(x, at);
      }
      final end = _x(area, trace.heard);
      final fill = Path.from(line)
        ..lineTo(end, inside.bottom)
        ..lineTo(area.left, inside.bottom)
        ..close();
      canvas
        ..drawPath(fill, Paint()..color = colors.tertiary.withValues(alpha: 0.16))
        ..drawPath(
          line,
          Paint()
            ..color = colors.tertiary
            ..style = PaintingStyle.stroke
            ..strokeWidth = 2
            ..strokeJoin = StrokeJoin.round,
        );
    }
    final dashes = Paint()
      ..color = colors.outline
      ..strokeWidth = 1;
    final level = y(trace.threshold);
    for (var x = area.left + 8; x < area.right - 8; x += 8) {
      canvas.drawLine(Offset(x, level), Offset(x + 4, level), dashes);
    }
  }

  void _mark(Canvas canvas, Rect area) {
    final x = _x(area, trace.heard);
    canvas.drawLine(
      Offset(x, area.top),
      Offset(x, area.bottom),
      Paint()
        ..color = colors.tertiary
        ..strokeWidth = 2,
    );
  }

  void _seconds(Canvas canvas, Rect area) {
    final seconds = trace.clip.seconds;
    // As many marks as fit, at whole seconds.
    final step = max(1, (seconds / max(1, area.width / 64)).ceil());
    for (var second = 0; second <= seconds; second += step) {
      _text(
        canvas,
        '$second s',
        Offset(area.left + area.width * second / seconds, area.top + 5),
        centredWithin: area,
      );
    }
  }

  /// Writes at [place], or around it as far as that lies in the area.
  void _text(Canvas canvas, String words, Offset place, {Rect? centredWithin}) {
    final text = TextPainter(
      text: TextSpan(text: words, style: label),
      textDirection: TextDirection.ltr,
    )..layout();
    final x = centredWithin == null
        ? place.dx
        : (place.dx - text.width / 2).clamp(centredWithin.left, centredWithin.right - text.width);
    text
      ..paint(canvas, Offset(x, place.dy))
      ..dispose();
  }

  @override
  bool shouldRepaint(WaveformPainter old) =>
      old.trace.clip != trace.clip ||
      old.heard != heard ||
      old.trace.probabilities != trace.probabilities ||
      old.trace.segments != trace.segments ||
      old.trace.threshold != trace.threshold ||
      old.trace.listening != trace.listening ||
      old.colors != colors;
}

/// The largest distance from zero in a part of [samples].
double peak(Float32List samples, int start, int end) {
  var found = 0.0;
  for (var at = start; at < end; at++) {
    found = max(found, samples[at].abs());
  }
  return found;
}

/// A [trace] as a picture that a screen reader can tell.
class Waveform extends StatelessWidget {
  /// Shows [trace].
  const Waveform(this.trace, {super.key});

  /// What to draw.
  final Trace trace;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Semantics(
      image: true,
      label: spoken(trace),
      child: RepaintBoundary(
        child: CustomPaint(
          size: const Size.fromHeight(330),
          painter: WaveformPainter(
            trace,
            theme.colorScheme,
            theme.textTheme.labelSmall!.copyWith(color: theme.colorScheme.onSurfaceVariant),
            trace.probabilities.length,
          ),
        ),
      ),
    );
  }

  /// What [trace] shows, in words.
  static String spoken(Trace trace) {
    final stretches = [
      for (final (:start, :end) in trace.segments) '${seconds(start)} to ${seconds(end)}',
    ];
    return [
      'Waveform of ${trace.clip.name}, ${seconds(trace.clip.samples.length)}',
      if (stretches.isNotEmpty) 'Speech from ${stretches.join(', and from ')}',
    ].join('. ');
  }
}

/// Where a sample lies, in seconds: `1.25 s`.
String seconds(int sample) => '${(sample / Clip.rate).toStringAsFixed(2)} s';
