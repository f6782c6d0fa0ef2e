import 'dart:async';

import 'package:demo_app/src/events.dart';
import 'package:demo_app/src/model_loader.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:flutter/foundation.dart';

/// Describes the runtime as soon as all models are open.
final class RuntimeController extends ChangeNotifier {
  /// Waits for [loaders], then asks [services].
  RuntimeController(this.loaders, this.services) {
    for (final loader in loaders) {
      loader.addListener(_look);
    }
  }

  /// The models that share the runtime.
  final List<ModelLoader<Model>> loaders;

  /// Describes the runtime.
  final Services services;

  RuntimeDescription? _runtime;
  Problem? _problem;
  bool _asked = false;
  bool _disposed = false;

  /// The runtime, once it is known.
  RuntimeDescription? get runtime => _runtime;

  /// Why it is not known.
  Problem? get problem => _problem;

  void _look() {
    if (!_asked && loaders.every((loader) => loader.model != null)) unawaited(describe());
  }

  /// Asks for the description.
  Future<void> describe() async {
    _asked = true;
    _problem = null;
    try {
      final runtime = await services.describeRuntime();
      if (_disposed) return;
      _runtime = runtime;
      reportEvent('runtime', {
        'tvm': runtime.tvm,
        'tvmFfi': runtime.tvmFfi,
        'libraries': runtime.libraries,
        'plugins': {for (final plugin in runtime.plugins) plugin.name: plugin.prefix},
      });
    } on Object catch (error) {
      if (_disposed) return;
      _problem = Problem.of(error);
      reportEvent('problem', {'where': 'runtime', 'text': '$_problem'});
    }
    notifyListeners();
  }

  @override
  void dispose() {
    _disposed = true;
    for (final loader in loaders) {
      loader.removeListener(_look);
    }
    super.dispose();
  }
}
