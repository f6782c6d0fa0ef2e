/// What the app needs from the world, behind interfaces small enough to stand in for.
library;

import 'package:demo_app/src/clip.dart';
import 'package:flutter/foundation.dart';

/// A stretch of speech: its first sample, and the first one after it.
typedef Stretch = ({int start, int end});

/// An open model.
abstract interface class Model {
  /// Gives the model's memory back.
  Future<void> close();
}

/// Turns words into phonemes.
abstract interface class Phonemizer implements Model {
  /// The ARPAbet phonemes of one English [word].
  Future<List<String>> phonemes(String word);
}

/// Finds speech in sound.
abstract interface class SpeechDetector implements Model {
  /// The probability of speech in each [Clip.chunk] of [samples].
  Future<Float32List> probabilities(Float32List samples);

  /// The stretches of speech in [samples].
  Future<List<Stretch>> segments(Float32List samples, {required double threshold});

  /// One probability for each chunk of a [sound] that arrives in blocks.
  Stream<double> listen(Stream<Float32List> sound);
}

/// A model plugin, as the runtime panel shows it.
@immutable
final class PluginDescription {
  /// Describes a plugin.
  const PluginDescription({required this.name, required this.prefix, required this.components});

  /// Name of the package.
  final String name;

  /// What its symbols start with.
  final String prefix;

  /// The separately compiled parts of its model.
  final List<String> components;
}

/// The runtime that the plugins share.
@immutable
final class RuntimeDescription {
  /// Describes the runtime of this process.
  const RuntimeDescription({
    required this.tvm,
    required this.tvmFfi,
    required this.tvmFfiPin,
    required this.libraries,
    required this.plugins,
  });

  /// TVM's version: the one that all plugins are pinned to.
  final String tvm;

  /// Version of tvm-ffi that the loaded library reports.
  final String tvmFfi;

  /// Version of tvm-ffi that all plugins are pinned to.
  final String tvmFfiPin;

  /// The files of TVM's libraries that this process has mapped; null where that cannot be seen.
  final List<String>? libraries;

  /// The model plugins.
  final List<PluginDescription> plugins;
}

/// Everything that the app does not do itself.
@immutable
final class Services {
  /// Gathers the app's services.
  const Services({
    required this.openPhonemizer,
    required this.openDetector,
    required this.bundledClip,
    required this.clipFile,
    required this.describeRuntime,
  });

  /// Opens the word model.
  final Future<Phonemizer> Function() openPhonemizer;

  /// Opens the speech model.
  final Future<SpeechDetector> Function() openDetector;

  /// Reads the clip that comes with the app.
  final Future<Clip> Function() bundledClip;

  /// Reads a clip from the WAV file at a path.
  final Future<Clip> Function(String path) clipFile;

  /// Describes the runtime; called after both models are open.
  final Future<RuntimeDescription> Function() describeRuntime;
}
