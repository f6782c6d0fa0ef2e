// Owned by you: written once, an update never touches it.

import 'dart:async';

import 'package:flutter/material.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'component_card.dart';
import 'problem_card.dart';

/// All components of a plugin, each with a button that runs it.
class ComponentsPage extends StatefulWidget {
  /// The components of [plugin], under a [title].
  const ComponentsPage({required this.title, required this.plugin, super.key});

  /// The page's title.
  final String title;

  /// The plugin.
  final TvmPlugin plugin;

  @override
  State<ComponentsPage> createState() => _ComponentsPageState();
}

class _ComponentsPageState extends State<ComponentsPage> {
  /// Opened when a component is run for the first time.
  final Map<String, Future<TvmSession>> _sessions = {};
  List<TvmComponent> _components = const [];
  Object? _problem;

  @override
  void initState() {
    super.initState();
    _load();
  }

  void _load() {
    try {
      widget.plugin.load();
      _components = widget.plugin.components;
      _problem = null;
    } on TvmException catch (problem) {
      _problem = problem;
    }
  }

  Future<Map<String, TvmTensor>> _run(String component, Map<String, TvmTensor> inputs) async {
    final TvmSession session;
    try {
      session = await (_sessions[component] ??= widget.plugin.openSession(component));
    } on TvmException {
      // The next run tries again.
      unawaited(_sessions.remove(component));
      rethrow;
    }
    return session.run(inputs);
  }

  @override
  void dispose() {
    for (final session in _sessions.values) {
      unawaited(session.then((session) => session.close()));
    }
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: AppBar(title: Text(widget.title)),
    body: Center(
      child: ConstrainedBox(
        constraints: const BoxConstraints(maxWidth: 840),
        child: ListView(
          padding: const EdgeInsets.all(16),
          children: [
            if (_problem case final problem?) ProblemCard(problem, again: () => setState(_load)),
            for (final component in _components)
              Padding(
                padding: const EdgeInsets.only(bottom: 16),
                child: ComponentCard(
                  component: component,
                  run: (inputs) => _run(component.name, inputs),
                ),
              ),
          ],
        ),
      ),
    ),
  );
}
