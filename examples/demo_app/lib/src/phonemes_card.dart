import 'dart:async';

import 'package:demo_app/src/icons.dart';
import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/phoneme_chip.dart';
import 'package:demo_app/src/phonemes_controller.dart';
import 'package:flutter/material.dart';

/// A word to type, and its phonemes.
class PhonemesCard extends StatefulWidget {
  /// Shows what [controller] knows; [focus] is the word field's.
  const PhonemesCard({required this.controller, required this.focus, super.key});

  /// Asks the model.
  final PhonemesController controller;

  /// Focus of the word field.
  final FocusNode focus;

  @override
  State<PhonemesCard> createState() => _PhonemesCardState();
}

class _PhonemesCardState extends State<PhonemesCard> {
  static const _samples = ['flutterby', 'kokoro', 'phonemizer', 'compiler'];

  final _word = TextEditingController();

  void _ask() => unawaited(widget.controller.ask(_word.text));

  void _askSample(String word) {
    _word.value = TextEditingValue(
      text: word,
      selection: TextSelection.collapsed(offset: word.length),
    );
    _ask();
  }

  @override
  void dispose() {
    _word.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final controller = widget.controller;
    return Panel(
      glyph: Glyph.word,
      title: 'How is it spoken?',
      subtitle: 'g2p_flutter: English to ARPAbet',
      trailing: ModelStatus(controller.loader),
      child: ListenableBuilder(
        listenable: Listenable.merge([controller, controller.loader]),
        builder: (context, _) {
          final ready = controller.loader.model != null;
          return Column(
            crossAxisAlignment: CrossAxisAlignment.stretch,
            children: [
              Row(
                children: [
                  Expanded(
                    child: TextField(
                      controller: _word,
                      focusNode: widget.focus,
                      autofocus: true,
                      autocorrect: false,
                      enableSuggestions: false,
                      textInputAction: TextInputAction.done,
                      // Keeps the focus, so that the next word can be typed at once.
                      onEditingComplete: _ask,
                      decoration: const InputDecoration(
                        labelText: 'English word',
                        hintText: 'flutterby',
                        suffixIcon: Padding(
                          padding: EdgeInsets.only(right: 12),
                          child: Row(mainAxisSize: MainAxisSize.min, children: [KeyHint('Ctrl K')]),
                        ),
                        suffixIconConstraints: BoxConstraints(),
                      ),
                    ),
                  ),
                  const SizedBox(width: 12),
                  FilledButton(
                    onPressed: ready ? _ask : null,
                    child: Row(
                      mainAxisSize: MainAxisSize.min,
                      spacing: 10,
                      children: [
                        const Text('Show'),
                        if (ready && KeyHint.fits(context))
                          KeyHint('Enter', color: Theme.of(context).colorScheme.onPrimary),
                      ],
                    ),
                  ),
                ],
              ),
              const SizedBox(height: 12),
              Wrap(
                spacing: 8,
                runSpacing: 8,
                children: [
                  for (final word in _samples)
                    ActionChip(
                      label: Text(word),
                      tooltip: 'Show how $word is spoken',
                      materialTapTargetSize: MaterialTapTargetSize.shrinkWrap,
                      onPressed: ready ? () => _askSample(word) : null,
                    ),
                ],
              ),
              const SizedBox(height: 18),
              AnimatedSize(
                duration: const Duration(milliseconds: 150),
                alignment: Alignment.topCenter,
                child: _answer(context),
              ),
            ],
          );
        },
      ),
    );
  }

  Widget _answer(BuildContext context) {
    final controller = widget.controller;
    final loader = controller.loader;
    if (loader.problem case final problem?) {
      return ProblemBanner(problem, again: () => unawaited(loader.load()));
    }
    if (loader.loading) return const _Waiting('Loading the model');
    if (controller.problem case final problem?) return ProblemBanner(problem);
    if (controller.shown case final shown?) return _Spoken(shown);
    if (controller.busy) return const _Waiting('Asking the model');
    return const _Waiting('Type a word, then press Enter', progress: false);
  }
}

/// The place of an answer that is not there yet.
class _Waiting extends StatelessWidget {
  const _Waiting(this.text, {this.progress = true});

  final String text;
  final bool progress;

  @override
  Widget build(BuildContext context) => SizedBox(
    height: 130,
    child: Column(
      mainAxisAlignment: MainAxisAlignment.center,
      spacing: 14,
      children: [
        Text(text, style: Theme.of(context).textTheme.bodySmall),
        if (progress) const SizedBox(width: 180, child: LinearProgressIndicator()),
      ],
    ),
  );
}

/// A word and its phonemes.
class _Spoken extends StatelessWidget {
  const _Spoken(this.shown);

  final Pronunciation shown;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final count = shown.phonemes.length;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.start,
      children: [
        Row(
          crossAxisAlignment: CrossAxisAlignment.baseline,
          textBaseline: TextBaseline.alphabetic,
          children: [
            Flexible(
              child: SelectableText(shown.word, maxLines: 1, style: theme.textTheme.headlineSmall),
            ),
            const SizedBox(width: 12),
            Text(
              '$count ${count == 1 ? 'phoneme' : 'phonemes'} in ${milliseconds(shown.took)}',
              style: theme.textTheme.bodySmall,
            ),
          ],
        ),
        const SizedBox(height: 12),
        Semantics(
          container: true,
          liveRegion: true,
          explicitChildNodes: true,
          label: 'Phonemes of ${shown.word}',
          child: Wrap(
            spacing: 6,
            runSpacing: 6,
            children: [for (final phoneme in shown.phonemes) PhonemeChip(phoneme)],
          ),
        ),
        const SizedBox(height: 16),
        const StressLegend(),
      ],
    );
  }
}
