import 'dart:async';

import 'package:flutter/material.dart';
import 'package:speech_app/src/controller.dart';
import 'package:speech_app/src/models.dart';
import 'package:speech_app/src/problem.dart';
import 'package:speech_app/src/waveform.dart';

/// The screen: a text, its phonemes, and their sound.
class Home extends StatefulWidget {
  /// The screen over the models that [openModels] opens.
  const Home({required this.openModels, super.key});

  /// Opens both models.
  final Future<Models> Function() openModels;

  @override
  State<Home> createState() => _HomeState();
}

class _HomeState extends State<Home> {
  late final _controller = SpeechController(widget.openModels);
  final _text = TextEditingController(text: 'Charsiu is a style of pork.');
  String? _language;
  String? _voice;

  @override
  void initState() {
    super.initState();
    unawaited(_controller.load());
  }

  @override
  void dispose() {
    _controller.dispose();
    _text.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    body: SafeArea(
      child: SingleChildScrollView(
        padding: const EdgeInsets.all(24),
        child: Center(
          child: ConstrainedBox(
            constraints: const BoxConstraints(maxWidth: 820),
            child: ListenableBuilder(listenable: _controller, builder: _content),
          ),
        ),
      ),
    ),
  );

  Widget _content(BuildContext context, Widget? _) {
    final text = Theme.of(context).textTheme;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      spacing: 18,
      children: [
        Semantics(header: true, child: Text('Text to speech', style: text.headlineSmall)),
        Text(
          'charsiug2p_flutter reads the words, kokoro_flutter speaks them: two models, one TVM',
          style: text.bodyMedium,
        ),
        if (_controller.models case final models?) ...[
          if (_controller.warning.isNotEmpty) _Notice(_controller.warning),
          ..._form(models),
        ] else if (_controller.problem == null)
          const LinearProgressIndicator(semanticsLabel: 'Opening the models'),
        if (_controller.problem case final problem?) _ProblemNotice(problem, _again),
        if (_controller.spoken case final spoken?) _Answer(spoken),
      ],
    );
  }

  /// What to try again: opening the models, where that is what failed.
  VoidCallback? get _again =>
      _controller.models == null ? () => unawaited(_controller.load()) : null;

  List<Widget> _form(Models models) {
    final languages = models.phonemizer.languages;
    final voices = models.speaker.voices;
    final language =
        _language ?? (languages.contains('eng-us') ? 'eng-us' : languages.firstOrNull ?? '');
    final voice = _voice ?? voices.firstOrNull ?? '';
    void speak() => unawaited(_controller.speak(_text.text, language: language, voice: voice));
    return [
      TextField(
        controller: _text,
        autofocus: true,
        textInputAction: TextInputAction.done,
        // Keeps the focus, so that the next text can be typed at once.
        onEditingComplete: speak,
        decoration: const InputDecoration(labelText: 'Text', border: OutlineInputBorder()),
      ),
      Wrap(
        spacing: 12,
        runSpacing: 12,
        crossAxisAlignment: WrapCrossAlignment.center,
        children: [
          _Choice('Language', languages, language, (chosen) => setState(() => _language = chosen)),
          _Choice('Voice', voices, voice, (chosen) => setState(() => _voice = chosen)),
          FilledButton(
            onPressed: _controller.busy ? null : speak,
            child: Text(_controller.busy ? 'Speaking' : 'Speak'),
          ),
        ],
      ),
    ];
  }
}

/// One of several names.
class _Choice extends StatelessWidget {
  const _Choice(this.label, this.names, this.chosen, this.onChosen);

  final String label;
  final List<String> names;
  final String chosen;
  final ValueChanged<String> onChosen;

  @override
  Widget build(BuildContext context) => Row(
    mainAxisSize: MainAxisSize.min,
    spacing: 8,
    children: [
      Text(label),
      DropdownButton<String>(
        value: chosen,
        // Its own icon is of the icon font.
        icon: const Text('▾'),
        items: [for (final name in names) DropdownMenuItem(value: name, child: Text(name))],
        onChanged: (name) {
          if (name != null) onChosen(name);
        },
      ),
    ],
  );
}

/// The phonemes and the sound of a text.
class _Answer extends StatelessWidget {
  const _Answer(this.spoken);

  final Spoken spoken;

  @override
  Widget build(BuildContext context) {
    final text = Theme.of(context).textTheme;
    final Spoken(:phonemes, :sound, :reading, :speaking) = spoken;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      spacing: 12,
      children: [
        Text('Phonemes, in ${reading.inMilliseconds} ms', style: text.titleSmall),
        SelectableText(phonemes, style: text.titleMedium),
        Text(
          '${sound.seconds.toStringAsFixed(2)} s of sound at ${sound.rate} Hz, '
          'in ${speaking.inMilliseconds} ms',
          style: text.titleSmall,
        ),
        Waveform(sound),
      ],
    );
  }
}

/// Says what went wrong, and what mends it.
class _ProblemNotice extends StatelessWidget {
  const _ProblemNotice(this.problem, this.again);

  final Problem problem;
  final VoidCallback? again;

  @override
  Widget build(BuildContext context) => Column(
    crossAxisAlignment: CrossAxisAlignment.start,
    spacing: 12,
    children: [
      _Notice('$problem'),
      if (again != null) OutlinedButton(onPressed: again, child: const Text('Try again')),
    ],
  );
}

/// What must not be overlooked.
class _Notice extends StatelessWidget {
  const _Notice(this.text);

  final String text;

  @override
  Widget build(BuildContext context) {
    final colors = Theme.of(context).colorScheme;
    return Semantics(
      container: true,
      liveRegion: true,
      child: DecoratedBox(
        decoration: BoxDecoration(
          color: colors.errorContainer,
          borderRadius: BorderRadius.circular(12),
        ),
        child: Padding(
          padding: const EdgeInsets.all(14),
          child: SelectableText(text, style: TextStyle(color: colors.onErrorContainer)),
        ),
      ),
    );
  }
}
