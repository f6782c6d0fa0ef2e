import 'dart:async';
import 'dart:math';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/events.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:flutter/foundation.dart';

/// What the speech card is doing.
enum Activity {
  /// Waiting for the user.
  idle,

  /// Reading a clip.
  reading,

  /// Looking for speech in the whole clip.
  analysing,

  /// Playing the clip to the model as a microphone would.
  listening,
}

/// What the speech card shows.
final class SpeechController extends ChangeNotifier {
  /// Asks the model of [loader] about clips that [services] reads.
  SpeechController(this.loader, this.services);

  /// Opens the model.
  final ModelLoader<SpeechDetector> loader;

  /// Reads the clips.
  final Services services;

  /// Sound that a listening model gets at once: 40 ms, which is no multiple of its own chunk.
  static const int block = 640;

  Clip? _clip;
  Problem? _problem;
  Activity _activity = Activity.idle;
  List<double> _probabilities = const [];
  List<Stretch>? _segments;
  Duration? _took;
  double _threshold = 0.5;
  StreamSubscription<double>? _listening;
  bool _disposed = false;

  /// The clip that is open.
  Clip? get clip => _clip;

  /// What last went wrong.
  Problem? get problem => _problem;

  /// What is going on.
  Activity get activity => _activity;

  /// The probability of speech in each chunk, as far as it is known.
  List<double> get probabilities => _probabilities;

  /// The stretches of speech; null before an analysis.
  List<Stretch>? get segments => _segments;

  /// How long finding the speech took; the curve is asked for after it.
  Duration? get took => _took;

  /// From which probability on a chunk counts as speech.
  double get threshold => _threshold;

  /// Chunks of the clip, the last of which may be short.
  int get chunks => ((_clip?.samples.length ?? 0) + Clip.chunk - 1) ~/ Clip.chunk;

  /// Whether the clip can be analysed or listened to now.
  bool get ready => loader.model != null && _clip != null && _activity == Activity.idle;

  /// Opens the clip that comes with the app.
  Future<void> openBundled() => _read(services.bundledClip);

  /// Opens the WAV file at [path].
  Future<void> openFile(String path) async {
    final wanted = path.trim();
    if (wanted.isEmpty) {
      return _fail(const Problem('No file is named', 'Type the path of a WAV file'));
    }
    await _read(() => services.clipFile(wanted));
  }

  /// Takes another [threshold]; analyses again what was analysed with the old one.
  Future<void> setThreshold(double threshold, {bool done = false}) async {
    _threshold = threshold;
    notifyListeners();
    if (done && _segments != null && ready) await analyse();
  }

  /// Finds the speech in the clip.
  Future<void> analyse() async {
    if (!ready) return;
    final clip = _clip!;
    final model = loader.model!;
    _begin(Activity.analysing);
    try {
      final watch = Stopwatch()..start();
      final segments = await model.segments(clip.samples, threshold: _threshold);
      watch.stop();
      final probabilities = await model.probabilities(clip.samples);
      if (_disposed) return;
      _probabilities = probabilities;
      _segments = segments;
      _took = watch.elapsed;
      reportEvent('segments', {
        'clip': clip.name,
        'segments': [
          for (final (:start, :end) in segments) [start, end],
        ],
        'chunks': probabilities.length,
        'ms': watch.elapsedMicroseconds / 1000,
      });
      _end();
    } on Object catch (error) {
      _fail(Problem.of(error));
    }
  }

  /// Plays the clip to the model, block by block, as fast as it would be spoken.
  void listen() {
    if (!ready) return;
    _begin(Activity.listening);
    final heard = <double>[];
    _probabilities = heard;
    _segments = null;
    _took = null;
    _listening = loader.model!
        .listen(_spoken(_clip!.samples))
        .listen(
          (probability) {
            heard.add(probability);
            notifyListeners();
          },
          onError: (Object error) => _fail(Problem.of(error)),
          onDone: () => _heard(cancelled: false),
          cancelOnError: true,
        );
    reportEvent('listening', {'clip': _clip!.name});
    notifyListeners();
  }

  /// Stops listening.
  Future<void> stop() async {
    final listening = _listening;
    if (listening == null) return;
    _listening = null;
    await listening.cancel();
    _heard(cancelled: true);
  }

  /// The samples in blocks, each when it has been spoken; after a pause of the app's all at once.
  static Stream<Float32List> _spoken(Float32List samples) {
    const pace = Duration(microseconds: block * Duration.microsecondsPerSecond ~/ Clip.rate);
    final sound = StreamController<Float32List>();
    Timer? timer;
    var sent = 0;
    void send(Timer timer) {
      for (; sent < samples.length && sent < timer.tick * block; sent += block) {
        sound.add(Float32List.sublistView(samples, sent, min(sent + block, samples.length)));
      }
      if (sent < samples.length) return;
      timer.cancel();
      unawaited(sound.close());
    }

    sound
      ..onListen = () {
        timer = Timer.periodic(pace, send);
      }
      ..onCancel = () => timer?.cancel();
    return sound.stream;
  }

  void _heard({required bool cancelled}) {
    _listening = null;
    reportEvent('heard', {
      'clip': _clip?.name,
      'chunks': _probabilities.length,
      'cancelled': cancelled,
    });
    _end();
  }

  Future<void> _read(Future<Clip> Function() read) async {
    await stop();
    if (_activity != Activity.idle) return;
    _begin(Activity.reading);
    try {
      final clip = await read();
      if (_disposed) return;
      _clip = clip;
      _probabilities = const [];
      _segments = null;
      _took = null;
      reportEvent('clip', {'name': clip.name, 'samples': clip.samples.length});
      _end();
    } on Object catch (error) {
      _fail(Problem.of(error));
    }
  }

  void _begin(Activity activity) {
    _activity = activity;
    _problem = null;
    notifyListeners();
  }

  void _end() {
    if (_disposed) return;
    _activity = Activity.idle;
    notifyListeners();
  }

  void _fail(Problem problem) {
    if (_disposed) return;
    _listening = null;
    _problem = problem;
    _activity = Activity.idle;
    reportEvent('problem', {'where': 'clip', 'text': '$problem'});
    notifyListeners();
  }

  @override
  void dispose() {
    _disposed = true;
    unawaited(_listening?.cancel());
    super.dispose();
  }
}
