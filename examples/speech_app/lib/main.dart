/// Text to phonemes by one model plugin, phonemes to sound by another.
library;

import 'package:flutter/widgets.dart';
import 'package:speech_app/src/app.dart';
import 'package:speech_app/src/plugins.dart';

void main() {
  WidgetsFlutterBinding.ensureInitialized();
  runApp(const SpeechApp(openModels: openPlugins));
}
