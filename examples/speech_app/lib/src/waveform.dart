import 'dart:math';
import 'dart:typed_data';

import 'package:flutter/material.dart';
import 'package:speech_app/src/models.dart';

/// The waveform of a sound, as a picture that a screen reader can tell.
class Waveform extends StatelessWidget {
  /// Shows [sound].
  const Waveform(this.sound, {super.key});

  /// The sound.
  final Sound sound;

  @override
  Widget build(BuildContext context) {
    final colors = Theme.of(context).colorScheme;
    return Semantics(
      image: true,
      label: 'Waveform of ${sound.seconds.toStringAsFixed(2)} seconds',
      child: RepaintBoundary(
        child: CustomPaint(
          size: const Size.fromHeight(180),
          painter: _WaveformPainter(sound.samples, colors.primary, colors.surfaceContainerHigh),
        ),
      ),
    );
  }
}

class _WaveformPainter extends CustomPainter {
  const _WaveformPainter(this.samples, this.line, this.well);

  final Float32List samples;
  final Color line;
  final Color well;

  /// Width of a column, with the gap after it.
  static const double _column = 3;

  @override
  void paint(Canvas canvas, Size size) {
    final area = Offset.zero & size;
    canvas.drawRRect(
      RRect.fromRectAndRadius(area, const Radius.circular(10)),
      Paint()..color = well,
    );
    if (samples.isEmpty) return;
    final inside = area.deflate(8);
    final loudest = max(peak(samples, 0, samples.length), 1e-3);
    final columns = max(1, inside.width ~/ _column);
    final paint = Paint()
      ..color = line
      ..strokeWidth = 2
      ..strokeCap = StrokeCap.round;
    for (var column = 0; column < columns; column++) {
      final start = samples.length * column ~/ columns;
      final end = samples.length * (column + 1) ~/ columns;
      final height = max(1.0, inside.height / 2 * peak(samples, start, end) / loudest);
      final x = inside.left + (column + 0.5) * inside.width / columns;
      canvas.drawLine(
        Offset(x, inside.center.dy - height),
        Offset(x, inside.center.dy + height),
        paint,
      );
    }
  }

  @override
  bool shouldRepaint(_WaveformPainter old) =>
      old.samples != samples || old.line != line || old.well != well;
}
