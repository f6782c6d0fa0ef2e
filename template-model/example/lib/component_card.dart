// Owned by you: written once, an update never touches it.

import 'dart:async';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'problem_card.dart';
import 'tensors.dart';

/// Runs a component: its inputs in, its outputs out.
typedef RunComponent = Future<Map<String, TvmTensor>> Function(Map<String, TvmTensor> inputs);

/// A component's inputs and outputs, and a button that runs it.
class ComponentCard extends StatefulWidget {
  /// Shows [component]; the button calls [run].
  const ComponentCard({required this.component, required this.run, super.key});

  /// The component.
  final TvmComponent component;

  /// Runs it.
  final RunComponent run;

  @override
  State<ComponentCard> createState() => _ComponentCardState();
}

class _ComponentCardState extends State<ComponentCard> {
  late final Map<String, TextEditingController> _extents = {
    for (final dimension in dynamicDimensions(widget.component))
      dimension.name!: TextEditingController(text: '${firstExtent(dimension)}'),
  };
  Filling _filling = Filling.zeros;
  bool _running = false;
  Map<String, TvmTensor>? _outputs;
  Duration _took = Duration.zero;
  Object? _problem;

  Future<void> _run() async {
    setState(() {
      _running = true;
      _problem = null;
    });
    Map<String, TvmTensor>? outputs;
    Object? problem;
    final watch = Stopwatch();
    try {
      final extents = _extents.map((name, field) => MapEntry(name, int.tryParse(field.text) ?? 0));
      final inputs = {
        for (final spec in widget.component.inputs) spec.name: filled(spec, _filling, extents),
      };
      watch.start();
      outputs = await widget.run(inputs);
    } on TvmException catch (error) {
      problem = error;
    }
    if (!mounted) return;
    setState(() {
      _running = false;
      _took = watch.elapsed;
      _outputs = outputs;
      _problem = problem;
    });
  }

  @override
  void dispose() {
    for (final field in _extents.values) {
      field.dispose();
    }
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => Card.outlined(
    child: Padding(
      padding: const EdgeInsets.all(20),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Semantics(
            header: true,
            child: Text(widget.component.name, style: Theme.of(context).textTheme.titleLarge),
          ),
          const SizedBox(height: 12),
          _Specs('Inputs', widget.component.inputs),
          const SizedBox(height: 8),
          _Specs('Outputs', widget.component.outputs),
          const SizedBox(height: 16),
          _controls(),
          if (_running)
            const Padding(
              padding: EdgeInsets.only(top: 16),
              child: LinearProgressIndicator(semanticsLabel: 'Running'),
            )
          else if (_problem case final problem?)
            ProblemCard(problem)
          else if (_outputs case final outputs?)
            _Outputs(outputs, _took),
        ],
      ),
    ),
  );

  Widget _controls() => Wrap(
    spacing: 12,
    runSpacing: 12,
    crossAxisAlignment: WrapCrossAlignment.center,
    children: [
      for (final MapEntry(key: name, value: field) in _extents.entries)
        SizedBox(
          width: 120,
          child: TextField(
            controller: field,
            decoration: InputDecoration(labelText: name, border: const OutlineInputBorder()),
            keyboardType: TextInputType.number,
            inputFormatters: [FilteringTextInputFormatter.digitsOnly],
            onSubmitted: (_) => _running ? null : unawaited(_run()),
          ),
        ),
      SegmentedButton<Filling>(
        showSelectedIcon: false,
        segments: [
          for (final filling in Filling.values)
            ButtonSegment(value: filling, label: Text(filling.name)),
        ],
        selected: {_filling},
        onSelectionChanged: (chosen) => setState(() => _filling = chosen.single),
      ),
      FilledButton(onPressed: _running ? null : () => unawaited(_run()), child: const Text('Run')),
    ],
  );
}

class _Specs extends StatelessWidget {
  const _Specs(this.title, this.specs);

  final String title;
  final List<TvmTensorSpec> specs;

  @override
  Widget build(BuildContext context) => Column(
    crossAxisAlignment: CrossAxisAlignment.start,
    children: [
      Text(title, style: Theme.of(context).textTheme.labelLarge),
      for (final spec in specs)
        _Line(spec.name, '${spec.dtype.label} (${spec.shape.map(_extent).join(', ')})'),
    ],
  );

  static String _extent(TvmDimension dimension) {
    final name = dimension.name;
    if (name == null) return '${dimension.extent}';
    final max = dimension.max;
    return max == null ? name : '$name: ${dimension.min} to $max';
  }
}

class _Outputs extends StatelessWidget {
  const _Outputs(this.outputs, this.took);

  final Map<String, TvmTensor> outputs;
  final Duration took;

  @override
  Widget build(BuildContext context) => Semantics(
    container: true,
    liveRegion: true,
    child: Padding(
      padding: const EdgeInsets.only(top: 16),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Text(
            'Answered in ${(took.inMicroseconds / 1000).toStringAsFixed(1)} ms',
            style: Theme.of(context).textTheme.labelLarge,
          ),
          for (final MapEntry(key: name, value: tensor) in outputs.entries)
            _Line(name, '${tensor.dtype.label} ${tensor.shape}: ${preview(tensor)}'),
        ],
      ),
    ),
  );
}

const _monospace = TextStyle(
  fontFamily: 'monospace',
  fontFamilyFallback: ['DejaVu Sans Mono', 'Liberation Mono'],
  fontSize: 13,
);

/// A name, and what belongs to it.
class _Line extends StatelessWidget {
  const _Line(this.name, this.text);

  final String name;
  final String text;

  @override
  Widget build(BuildContext context) => MergeSemantics(
    child: Padding(
      padding: const EdgeInsets.symmetric(vertical: 3),
      child: Row(
        crossAxisAlignment: CrossAxisAlignment.start,
        spacing: 12,
        children: [
          SizedBox(width: 140, child: Text(name, style: Theme.of(context).textTheme.bodyMedium)),
          Expanded(child: SelectableText(text, style: _monospace)),
        ],
      ),
    ),
  );
}
