/// Stand-ins for the plugins, for the states that a test cannot make the real ones take: loading
/// that goes on, failing, and answers in a known order. The app is driven with the real ones.
library;

import 'dart:async';
import 'dart:typed_data';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/services.dart';

/// A word model that answers from a table.
final class FakePhonemizer implements Phonemizer {
  /// Answers from [words].
  FakePhonemizer(this.words);

  /// What it answers; a word that is missing throws what [refuse] makes.
  final Map<String, FutureOr<List<String>>> words;

  /// The error for other words.
  Exception Function(String word) refuse = (word) => FormatException('no $word');

  /// Whether it was closed.
  bool closed = false;

  @override
  Future<List<String>> phonemes(String word) async {
    final answer = words[word];
    if (answer == null) throw refuse(word);
    return answer;
  }

  @override
  Future<void> close() async => closed = true;
}

/// A speech model that takes loud chunks for speech.
final class FakeDetector implements SpeechDetector {
  /// Thrown by every method, when set.
  Exception? failure;

  /// Whether the last stream was cancelled.
  bool cancelled = false;

  /// The thresholds that were asked for.
  final List<double> thresholds = [];

  @override
  Future<Float32List> probabilities(Float32List samples) async {
    if (failure case final failure?) throw failure;
    final chunks = (samples.length + Clip.chunk - 1) ~/ Clip.chunk;
    return Float32List.fromList([
      for (var chunk = 0; chunk < chunks; chunk++) _loud(samples, chunk),
    ]);
  }

  double _loud(Float32List samples, int chunk) {
    var sum = 0.0;
    final start = chunk * Clip.chunk;
    final end = start + Clip.chunk < samples.length ? start + Clip.chunk : samples.length;
    for (var at = start; at < end; at++) {
      sum += samples[at].abs();
    }
    return (sum / (end - start) * 20).clamp(0.02, 0.98);
  }

  @override
  Future<List<Stretch>> segments(Float32List samples, {required double threshold}) async {
    thresholds.add(threshold);
    return [
      (start: samples.length ~/ 10, end: samples.length ~/ 2),
      (start: samples.length * 6 ~/ 10, end: samples.length * 9 ~/ 10),
    ];
  }

  @override
  Stream<double> listen(Stream<Float32List> sound) async* {
    var pending = 0;
    try {
      await for (final block in sound) {
        pending += block.length;
        for (; pending >= Clip.chunk; pending -= Clip.chunk) {
          yield 0.8;
        }
      }
    } finally {
      cancelled = true;
    }
  }

  @override
  Future<void> close() async {}
}

/// A description of a runtime whose libraries lie in [libraries].
RuntimeDescription runtimeWith(List<String>? libraries) => RuntimeDescription(
  tvm: '0.27.0.post1',
  tvmFfi: '0.1.16',
  tvmFfiPin: '0.1.15.post2',
  libraries: libraries,
  plugins: const [
    PluginDescription(name: 'g2p_flutter', prefix: 'g2p_', components: ['encoder', 'decoder_step']),
    PluginDescription(name: 'vad_flutter', prefix: 'vad_', components: ['step']),
  ],
);

/// One second of a tone.
Clip shortClip() => Clip(
  'tone.wav',
  Float32List.fromList([for (var at = 0; at < Clip.rate; at++) at.isEven ? 0.03 : -0.03]),
);

/// Services that answer at once, but for what is given.
Services fakeServices({
  Future<Phonemizer> Function()? openPhonemizer,
  Future<SpeechDetector> Function()? openDetector,
  Future<Clip> Function()? bundledClip,
  Future<Clip> Function(String path)? clipFile,
  Future<RuntimeDescription> Function()? describeRuntime,
}) => Services(
  openPhonemizer:
      openPhonemizer ??
      () async => FakePhonemizer({
        'cat': ['K', 'AE1', 'T'],
      }),
  openDetector: openDetector ?? () async => FakeDetector(),
  bundledClip: bundledClip ?? () async => shortClip(),
  clipFile: clipFile ?? (path) async => throw StateError('no file $path'),
  describeRuntime:
      describeRuntime ??
      () async => runtimeWith(['/app/lib/libtvm_ffi.so', '/app/lib/libtvm_runtime.so']),
);
