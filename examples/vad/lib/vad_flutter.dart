// Owned by you: written once, an update never touches it.

/// Where speech lies in a sound.
library;

import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmException;

/// A stretch of speech: its first sample, and the first one after it.
typedef Speech = ({int start, int end});

/// The voice activity detector, and one stream of sound.
///
/// Sound is one channel at [rate] samples per second, from -1 to 1.
final class VadModel {
  /// Opens the model. Throws a [TvmException].
  VadModel() : _model = plugin.openModel();

  /// Samples per second.
  static const int rate = 16000;

  /// Samples that [process] takes at a time: 32 ms.
  static const int chunk = 512;

  final TvmModel _model;

  /// The probability, 0 to 1, that the next [chunk] samples of the stream hold speech.
  ///
  /// Throws a [TvmException] for another number of samples, and for samples that are not finite.
  double process(Float32List samples) =>
      _model.call('process', [TvmTensor.float32(samples)])! as double;

  /// Ends the stream: the next chunk is the first of another one.
  void reset() => _model.call('reset');

  /// The probability of speech for each [chunk] of a whole recording.
  Float32List probabilities(Float32List recording) =>
      (_model.call('probabilities', [TvmTensor.float32(recording)])! as TvmTensor).float32;

  /// The stretches of speech in a whole recording.
  ///
  /// Speech starts at [threshold] and ends 0.15 below it; speech shorter than [minSpeech] is dropped,
  /// a pause shorter than [minSilence] is bridged, and [padding] is added on both sides.
  List<Speech> segments(
    Float32List recording, {
    double threshold = 0.5,
    Duration minSpeech = const Duration(milliseconds: 250),
    Duration minSilence = const Duration(milliseconds: 100),
    Duration padding = const Duration(milliseconds: 30),
  }) {
    final found =
        _model.call('segments_with', [
              TvmTensor.float32(recording),
              threshold,
              _milliseconds(minSpeech),
              _milliseconds(minSilence),
              _milliseconds(padding),
            ])!
            as List<Object?>;
    return [
      for (final segment in found)
        if (segment case [final int start, final int end]) (start: start, end: end),
    ];
  }

  /// Gives the model's memory back.
  void close() => _model.close();

  static double _milliseconds(Duration duration) =>
      duration.inMicroseconds / Duration.microsecondsPerMillisecond;
}
