import 'dart:async';

import 'package:demo_app/src/icons.dart';
import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/speech_controller.dart';
import 'package:demo_app/src/speech_summary.dart';
import 'package:demo_app/src/theme.dart';
import 'package:demo_app/src/waveform.dart';
import 'package:flutter/material.dart';

/// A recording, and the speech in it.
class SpeechCard extends StatefulWidget {
  /// Shows what [controller] knows; [focus] is the path field's.
  const SpeechCard({required this.controller, required this.focus, super.key});

  /// Reads clips and asks the model.
  final SpeechController controller;

  /// Focus of the path field.
  final FocusNode focus;

  @override
  State<SpeechCard> createState() => _SpeechCardState();
}

class _SpeechCardState extends State<SpeechCard> {
  final _path = TextEditingController();

  void _open() => unawaited(widget.controller.openFile(_path.text));

  @override
  void dispose() {
    _path.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final controller = widget.controller;
    return Panel(
      glyph: Glyph.wave,
      title: 'Where is speech?',
      subtitle: 'vad_flutter: a probability for every 32 ms of sound',
      trailing: ModelStatus(controller.loader),
      child: ListenableBuilder(
        listenable: Listenable.merge([controller, controller.loader]),
        builder: (context, _) => Column(
          crossAxisAlignment: CrossAxisAlignment.stretch,
          children: [
            _source(),
            const SizedBox(height: 14),
            _Actions(controller),
            const SizedBox(height: 14),
            if (controller.loader.problem case final problem?) ...[
              ProblemBanner(problem, again: () => unawaited(controller.loader.load())),
              const SizedBox(height: 14),
            ],
            if (controller.problem case final problem?) ...[
              ProblemBanner(problem),
              const SizedBox(height: 14),
            ],
            _Progress(controller),
            const SizedBox(height: 10),
            if (controller.clip case final clip?) ...[
              Waveform(
                Trace(
                  clip: clip,
                  probabilities: controller.probabilities,
                  segments: controller.segments ?? const [],
                  threshold: controller.threshold,
                  listening: controller.segments == null && controller.probabilities.isNotEmpty,
                ),
              ),
              const SizedBox(height: 6),
              _Threshold(controller),
              const SizedBox(height: 6),
              SpeechSummary(controller, clip),
            ] else
              const SizedBox(height: 330),
          ],
        ),
      ),
    );
  }

  /// The path field and its buttons: beside it, or below it where that leaves too little room.
  Widget _source() => LayoutBuilder(
    builder: (context, space) {
      final field = TextField(
        controller: _path,
        focusNode: widget.focus,
        autocorrect: false,
        enableSuggestions: false,
        onEditingComplete: _open,
        decoration: const InputDecoration(
          labelText: 'Your own recording',
          hintText: '/home/me/recording.wav (16 kHz)',
          suffixIcon: Padding(
            padding: EdgeInsets.only(right: 12),
            child: Row(mainAxisSize: MainAxisSize.min, children: [KeyHint('Ctrl O')]),
          ),
          suffixIconConstraints: BoxConstraints(),
        ),
      );
      final open = OutlinedButton.icon(
        onPressed: _open,
        icon: const GlyphIcon(Glyph.folder, size: 18),
        label: const Text('Open'),
      );
      final example = Tooltip(
        message: 'The clip that comes with the app: two sentences of Sense and Sensibility',
        child: OutlinedButton.icon(
          onPressed: () => unawaited(widget.controller.openBundled()),
          icon: const GlyphIcon(Glyph.clip, size: 18),
          label: const Text('Example'),
        ),
      );
      return space.maxWidth >= 520
          ? Row(
              spacing: 10,
              children: [
                Expanded(child: field),
                open,
                example,
              ],
            )
          : Column(
              crossAxisAlignment: CrossAxisAlignment.stretch,
              spacing: 10,
              children: [
                field,
                Row(
                  spacing: 10,
                  children: [
                    Expanded(child: open),
                    Expanded(child: example),
                  ],
                ),
              ],
            );
    },
  );
}

class _Actions extends StatelessWidget {
  const _Actions(this.controller);

  final SpeechController controller;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final listening = controller.activity == Activity.listening;
    final clip = controller.clip;
    return Wrap(
      spacing: 12,
      runSpacing: 10,
      crossAxisAlignment: WrapCrossAlignment.center,
      children: [
        FilledButton.icon(
          onPressed: controller.ready ? () => unawaited(controller.analyse()) : null,
          icon: const GlyphIcon(Glyph.search, size: 18),
          label: Row(
            mainAxisSize: MainAxisSize.min,
            spacing: 10,
            children: [
              const Text('Find speech'),
              if (controller.ready && KeyHint.fits(context))
                KeyHint('Ctrl R', color: theme.colorScheme.onPrimary),
            ],
          ),
        ),
        FilledButton.tonalIcon(
          style: FilledButton.styleFrom(
            backgroundColor: theme.colorScheme.tint(theme.colorScheme.primary),
            foregroundColor: theme.colorScheme.primary,
          ),
          onPressed: listening
              ? () => unawaited(controller.stop())
              : controller.ready
              ? controller.listen
              : null,
          icon: GlyphIcon(listening ? Glyph.stop : Glyph.listen, size: 18),
          label: Row(
            mainAxisSize: MainAxisSize.min,
            spacing: 10,
            children: [
              Text(listening ? 'Stop' : 'Listen live'),
              if ((listening || controller.ready) && KeyHint.fits(context))
                KeyHint(listening ? 'Esc' : 'Ctrl L', color: theme.colorScheme.primary),
            ],
          ),
        ),
        if (clip != null)
          Text(
            '${clip.name} · ${clip.seconds.toStringAsFixed(1)} s · ${controller.chunks} chunks',
            style: theme.textTheme.bodySmall,
          ),
      ],
    );
  }
}

/// A line that fills while the clip is heard, and runs while something else is waited for.
class _Progress extends StatelessWidget {
  const _Progress(this.controller);

  final SpeechController controller;

  @override
  Widget build(BuildContext context) {
    final part = controller.probabilities.length;
    final (String? what, double? value) = switch (controller.activity) {
      _ when controller.loader.loading => ('Loading the model', null),
      Activity.reading => ('Reading the clip', null),
      Activity.analysing => ('Finding speech', null),
      Activity.listening => (
        'Heard $part of ${controller.chunks} chunks',
        part / controller.chunks,
      ),
      Activity.idle => (null, 0),
    };
    return Semantics(
      label: what,
      child: Visibility(
        visible: what != null,
        maintainSize: true,
        maintainAnimation: true,
        maintainState: true,
        child: LinearProgressIndicator(value: value, borderRadius: BorderRadius.circular(2)),
      ),
    );
  }
}

class _Threshold extends StatelessWidget {
  const _Threshold(this.controller);

  final SpeechController controller;

  @override
  Widget build(BuildContext context) {
    final style = Theme.of(context).textTheme.bodySmall;
    return LayoutBuilder(
      builder: (context, space) => Row(
        children: [
          ConstrainedBox(
            constraints: BoxConstraints(maxWidth: space.maxWidth * 0.4),
            child: Text('Speech from a probability of', style: style),
          ),
          Expanded(
            child: Slider(
              value: controller.threshold,
              min: 0.2,
              max: 0.95,
              divisions: 15,
              semanticFormatterCallback: (value) => 'threshold ${value.toStringAsFixed(2)}',
              onChanged: (value) => unawaited(controller.setThreshold(value)),
              onChangeEnd: (value) => unawaited(controller.setThreshold(value, done: true)),
            ),
          ),
          Text(controller.threshold.toStringAsFixed(2), style: style),
        ],
      ),
    );
  }
}
