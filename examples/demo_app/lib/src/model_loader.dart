import 'dart:async';

import 'package:demo_app/src/events.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:flutter/foundation.dart';

/// Opens a model, and tells how far that is.
final class ModelLoader<T extends Model> extends ChangeNotifier {
  /// Opens the model [name] with [open].
  ModelLoader(this.name, Future<T> Function() open) : _open = open;

  /// Name of the plugin that holds the model.
  final String name;

  final Future<T> Function() _open;
  T? _model;
  Problem? _problem;
  Duration? _took;
  bool _disposed = false;

  /// The open model; null while it loads, and when it could not be opened.
  T? get model => _model;

  /// Why the model could not be opened.
  Problem? get problem => _problem;

  /// How long opening took.
  Duration? get took => _took;

  /// Whether the model is being opened.
  bool get loading => _model == null && _problem == null;

  /// Opens the model; again after it failed.
  Future<void> load() async {
    if (_model != null) return;
    _problem = null;
    notifyListeners();
    final watch = Stopwatch()..start();
    try {
      final model = await _open();
      if (_disposed) return await model.close();
      _model = model;
      _took = watch.elapsed;
      reportEvent('model', {'plugin': name, 'ms': watch.elapsedMicroseconds / 1000});
    } on Object catch (error) {
      if (_disposed) return;
      _problem = Problem.of(error);
      reportEvent('problem', {'where': name, 'text': '$_problem'});
    }
    notifyListeners();
  }

  @override
  void dispose() {
    _disposed = true;
    unawaited(_model?.close());
    super.dispose();
  }
}
