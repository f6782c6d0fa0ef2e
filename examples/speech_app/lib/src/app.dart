import 'package:flutter/material.dart';
import 'package:speech_app/src/home.dart';
import 'package:speech_app/src/models.dart';

/// The app: its theme, and its one screen.
class SpeechApp extends StatelessWidget {
  /// An app over the models that [openModels] opens.
  const SpeechApp({required this.openModels, super.key});

  /// Opens both models.
  final Future<Models> Function() openModels;

  static const _seed = Color(0xFF3F5BD9);

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: 'tvmplug speech',
    debugShowCheckedModeBanner: false,
    theme: _theme(Brightness.light),
    darkTheme: _theme(Brightness.dark),
    home: Home(openModels: openModels),
  );

  static ThemeData _theme(Brightness brightness) => ThemeData(
    colorScheme: ColorScheme.fromSeed(seedColor: _seed, brightness: brightness),
    visualDensity: VisualDensity.standard,
    // The same on every platform; Android's own needs a shader among the assets.
    splashFactory: InkRipple.splashFactory,
  );
}
