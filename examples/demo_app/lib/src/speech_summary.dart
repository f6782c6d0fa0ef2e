import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/speech_controller.dart';
import 'package:demo_app/src/theme.dart';
import 'package:demo_app/src/waveform.dart';
import 'package:flutter/material.dart';

/// The stretches of speech, and how long finding them took.
class SpeechSummary extends StatelessWidget {
  /// What [controller] knows of [clip].
  const SpeechSummary(this.controller, this.clip, {super.key});

  /// Finds the speech.
  final SpeechController controller;

  /// The recording.
  final Clip clip;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final segments = controller.segments;
    return Semantics(
      container: true,
      liveRegion: true,
      child: Wrap(
        spacing: 8,
        runSpacing: 8,
        crossAxisAlignment: WrapCrossAlignment.center,
        children: [
          if (segments != null)
            for (final segment in segments) _StretchTag(segment),
          Text(_words(segments), style: theme.textTheme.bodySmall),
        ],
      ),
    );
  }

  String _words(List<Stretch>? segments) {
    if (segments == null) {
      return controller.activity == Activity.listening
          ? 'Heard ${controller.probabilities.length} of ${controller.chunks} chunks'
          : controller.probabilities.isEmpty
          ? 'Not analysed yet'
          : 'Heard ${controller.probabilities.length} chunks';
    }
    final took = controller.took!;
    final speed = clip.seconds * 1e6 / took.inMicroseconds;
    final found = segments.isEmpty ? 'No speech; found' : 'Found';
    return '$found in ${milliseconds(took)}, ${speed.round()} times as fast as it is spoken';
  }
}

class _StretchTag extends StatelessWidget {
  const _StretchTag(this.segment);

  final Stretch segment;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Container(
      padding: const EdgeInsets.symmetric(horizontal: 12, vertical: 7),
      decoration: BoxDecoration(
        color: theme.colorScheme.tint(theme.colorScheme.primary),
        borderRadius: BorderRadius.circular(9),
      ),
      child: Text(
        '${seconds(segment.start)} – ${seconds(segment.end)}',
        style: theme.textTheme.labelMedium?.copyWith(
          color: theme.colorScheme.primary,
          fontWeight: FontWeight.w600,
        ),
      ),
    );
  }
}
