// Owned by you: written once, an update never touches it.

/// Where speech lies in a sound.
library;

import 'dart:async';
import 'dart:typed_data';

import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'src/chunks.dart';
import 'src/plugin.dart';

export 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart' show TvmErrorCode, TvmException;

/// A stretch of speech: its first sample, and the first one after it.
typedef Speech = ({int start, int end});

/// The voice activity detector, and one stream of sound.
///
/// Sound is one channel at [rate] samples per second, from -1 to 1.
final class VadModel {
  VadModel._(this._model);

  /// Opens the model in an isolate of its own. Throws a [TvmException].
  static Future<VadModel> open() async => VadModel._(await plugin.openModel());

  /// Samples per second.
  static const int rate = 16000;

  /// Samples that [process] takes at a time: 32 ms.
  static const int chunk = 512;

  final TvmModel _model;

  /// The probability, 0 to 1, that the next [chunk] samples of the stream hold speech.
  ///
  /// Throws a [TvmException] for another number of samples, and for samples that are not finite.
  Future<double> process(Float32List samples) async =>
      (await _model.call('process', [TvmTensor.float32(samples)]))! as double;

  /// Ends the stream: the next chunk is the first of another one.
  Future<void> reset() => _model.call('reset');

  /// The probability of speech for each [chunk] of [sound], as soon as the chunk is complete.
  ///
  /// [sound] may come in blocks of any size; what is left at its end is filled up with zeros. It is
  /// the model's one stream: it starts afresh, nothing else may [process] or listen meanwhile, and it
  /// ends with [sound], an error, or the cancellation of the subscription. A pause of the
  /// subscription pauses [sound]. An error of [sound] or of the model, such as for a sample that is
  /// not finite, is passed on and ends the stream.
  Stream<double> listen(Stream<Float32List> sound) async* {
    try {
      await reset();
      await for (final samples in sound.transform(const Chunks(chunk))) {
        yield await process(samples);
      }
    } finally {
      if (!_model.isClosed) await reset();
    }
  }

  /// The probability of speech for each [chunk] of a whole recording. The stream is left as it is.
  Future<Float32List> probabilities(Float32List recording) async {
    final found = await _model.call('probabilities', [TvmTensor.float32(recording)]);
    return (found! as TvmTensor).float32;
  }

  /// The stretches of speech in a whole recording. The stream is left as it is.
  ///
  /// Speech starts at [threshold] and ends 0.15 below it; speech shorter than [minSpeech] is dropped,
  /// a pause shorter than [minSilence] is bridged, and [padding] is added on both sides.
  Future<List<Speech>> segments(
    Float32List recording, {
    double threshold = 0.5,
    Duration minSpeech = const Duration(milliseconds: 250),
    Duration minSilence = const Duration(milliseconds: 100),
    Duration padding = const Duration(milliseconds: 30),
  }) async {
    final found = await _model.call('segments_with', [
      TvmTensor.float32(recording),
      threshold,
      _milliseconds(minSpeech),
      _milliseconds(minSilence),
      _milliseconds(padding),
    ]);
    return [
      for (final segment in found! as List<Object?>)
        if (segment case [final int start, final int end]) (start: start, end: end),
    ];
  }

  /// Closes the model after the calls that were made before.
  Future<void> close() => _model.close();

  static double _milliseconds(Duration duration) =>
      duration.inMicroseconds / Duration.microsecondsPerMillisecond;
}
