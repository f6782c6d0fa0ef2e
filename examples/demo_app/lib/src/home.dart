import 'dart:async';

import 'package:demo_app/src/header.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/phonemes_card.dart';
import 'package:demo_app/src/phonemes_controller.dart';
import 'package:demo_app/src/runtime_card.dart';
import 'package:demo_app/src/runtime_controller.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/shortcuts.dart';
import 'package:demo_app/src/speech_card.dart';
import 'package:demo_app/src/speech_controller.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// The screen: two models, and the runtime below them.
class Home extends StatefulWidget {
  /// The screen over [services], which shows the theme's [mode] and asks for another by [onMode].
  const Home({required this.services, required this.mode, required this.onMode, super.key});

  /// What the app does not do itself.
  final Services services;

  /// Light, dark, or the desktop's choice.
  final ThemeMode mode;

  /// Called with another mode.
  final ValueChanged<ThemeMode> onMode;

  @override
  State<Home> createState() => _HomeState();
}

class _HomeState extends State<Home> {
  late final _words = ModelLoader('g2p_flutter', widget.services.openPhonemizer);
  late final _sounds = ModelLoader('vad_flutter', widget.services.openDetector);
  late final _phonemes = PhonemesController(_words);
  late final _speech = SpeechController(_sounds, widget.services);
  late final RuntimeController _runtime;
  final _wordFocus = FocusNode(debugLabel: 'word');
  final _pathFocus = FocusNode(debugLabel: 'path');
  // They keep what was typed, and the focus, when the panels move from one column to two.
  final _phonemesKey = GlobalKey(debugLabel: 'phonemes');
  final _speechKey = GlobalKey(debugLabel: 'speech');

  @override
  void initState() {
    super.initState();
    // Listens before the first model can be open.
    _runtime = RuntimeController([_words, _sounds], widget.services);
    unawaited(_words.load());
    unawaited(_sounds.load());
    unawaited(_speech.openBundled());
  }

  @override
  void dispose() {
    _runtime.dispose();
    _phonemes.dispose();
    _speech.dispose();
    _words.dispose();
    _sounds.dispose();
    _wordFocus.dispose();
    _pathFocus.dispose();
    super.dispose();
  }

  void _otherMode() {
    final dark = Theme.of(context).brightness == Brightness.dark;
    widget.onMode(dark ? ThemeMode.light : ThemeMode.dark);
  }

  @override
  Widget build(BuildContext context) => CallbackShortcuts(
    bindings: {
      AppShortcut.word.keys: _wordFocus.requestFocus,
      AppShortcut.file.keys: _pathFocus.requestFocus,
      AppShortcut.analyse.keys: () => unawaited(_speech.analyse()),
      AppShortcut.listen.keys: _speech.listen,
      AppShortcut.stop.keys: () => unawaited(_speech.stop()),
      AppShortcut.theme.keys: _otherMode,
      AppShortcut.help.keys: () => unawaited(showShortcuts(context)),
    },
    child: Scaffold(
      body: SafeArea(
        child: FocusTraversalGroup(
          child: Column(
            children: [
              Header(mode: widget.mode, onMode: widget.onMode),
              Expanded(child: LayoutBuilder(builder: _panels)),
            ],
          ),
        ),
      ),
    ),
  );

  Widget _panels(BuildContext context, BoxConstraints space) {
    final phonemes = PhonemesCard(key: _phonemesKey, controller: _phonemes, focus: _wordFocus);
    final speech = SpeechCard(key: _speechKey, controller: _speech, focus: _pathFocus);
    final runtime = RuntimeCard(controller: _runtime);
    final wide = space.maxWidth >= twoColumns;
    return SingleChildScrollView(
      padding: EdgeInsets.fromLTRB(wide ? 24 : 16, 4, wide ? 24 : 16, 24),
      child: Center(
        child: ConstrainedBox(
          constraints: const BoxConstraints(maxWidth: 1480),
          child: wide
              ? Row(
                  crossAxisAlignment: CrossAxisAlignment.start,
                  spacing: 18,
                  children: [
                    Expanded(flex: 5, child: Column(spacing: 18, children: [phonemes, runtime])),
                    Expanded(flex: 7, child: speech),
                  ],
                )
              : Column(spacing: 16, children: [phonemes, speech, runtime]),
        ),
      ),
    );
  }
}
