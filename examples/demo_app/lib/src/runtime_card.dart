import 'dart:async';

import 'package:demo_app/src/icons.dart';
import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/runtime_controller.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// The runtime that both models share.
class RuntimeCard extends StatelessWidget {
  /// Shows what [controller] knows.
  const RuntimeCard({required this.controller, super.key});

  /// Asks for the runtime's description.
  final RuntimeController controller;

  @override
  Widget build(BuildContext context) => Panel(
    glyph: Glyph.chip,
    title: 'One runtime',
    subtitle: 'tvm_runtime_flutter: what both models run on',
    child: ListenableBuilder(
      listenable: controller,
      builder: (context, _) {
        if (controller.problem case final Problem problem) {
          return ProblemBanner(problem, again: () => unawaited(controller.describe()));
        }
        final runtime = controller.runtime;
        if (runtime == null) {
          return SizedBox(
            height: 120,
            child: Center(
              child: Text(
                'Shown when both models are open',
                style: Theme.of(context).textTheme.bodySmall,
              ),
            ),
          );
        }
        return _Facts(runtime);
      },
    ),
  );
}

class _Facts extends StatelessWidget {
  const _Facts(this.runtime);

  final RuntimeDescription runtime;

  @override
  Widget build(BuildContext context) {
    final colors = Theme.of(context).colorScheme;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        if (runtime.libraries case final libraries?) ...[
          _Verdict(libraries),
          const SizedBox(height: 14),
        ],
        _Fact('Apache TVM', runtime.tvm),
        _Fact('tvm-ffi', '${runtime.tvmFfi} loaded, ${runtime.tvmFfiPin} pinned'),
        Divider(height: 22, color: colors.outlineVariant.withValues(alpha: 0.6)),
        for (final plugin in runtime.plugins) _PluginRow(plugin),
      ],
    );
  }
}

/// How many copies of TVM's libraries the process holds.
class _Verdict extends StatelessWidget {
  const _Verdict(this.libraries);

  final List<String> libraries;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final copies = libraries.where((path) => path.endsWith('/libtvm_runtime.so')).length;
    final one = copies == 1;
    final color = one ? theme.colorScheme.primary : theme.colorScheme.error;
    return Tooltip(
      message: libraries.join('\n'),
      child: Container(
        padding: const EdgeInsets.symmetric(horizontal: 14, vertical: 11),
        decoration: BoxDecoration(
          color: theme.colorScheme.tint(color, 0.8),
          borderRadius: BorderRadius.circular(12),
        ),
        child: Row(
          spacing: 10,
          children: [
            GlyphIcon(one ? Glyph.check : Glyph.warning, size: 20, color: color),
            Expanded(
              child: Text(
                one
                    ? 'This process holds one TVM runtime'
                    : 'This process holds $copies TVM runtimes',
                style: theme.textTheme.bodyMedium?.copyWith(
                  color: color,
                  fontWeight: FontWeight.w600,
                ),
              ),
            ),
          ],
        ),
      ),
    );
  }
}

class _Fact extends StatelessWidget {
  const _Fact(this.name, this.value);

  final String name;
  final String value;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return MergeSemantics(
      child: Padding(
        padding: const EdgeInsets.symmetric(vertical: 3),
        child: Row(
          children: [
            SizedBox(width: 110, child: Text(name, style: theme.textTheme.bodySmall)),
            Expanded(child: SelectableText(value, style: monospace.copyWith(fontSize: 13))),
          ],
        ),
      ),
    );
  }
}

class _PluginRow extends StatelessWidget {
  const _PluginRow(this.plugin);

  final PluginDescription plugin;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final colors = theme.colorScheme;
    return MergeSemantics(
      child: Padding(
        padding: const EdgeInsets.symmetric(vertical: 5),
        child: Row(
          children: [
            SizedBox(
              width: 110,
              child: Text(
                plugin.name,
                style: theme.textTheme.bodyMedium?.copyWith(fontWeight: FontWeight.w600),
              ),
            ),
            Tooltip(
              message: 'The prefix of its symbols',
              child: Container(
                padding: const EdgeInsets.symmetric(horizontal: 8, vertical: 3),
                decoration: BoxDecoration(
                  color: colors.tint(colors.tertiary),
                  borderRadius: BorderRadius.circular(7),
                ),
                child: Text(
                  plugin.prefix,
                  style: monospace.copyWith(fontSize: 12, color: colors.tertiary),
                ),
              ),
            ),
            const SizedBox(width: 12),
            Expanded(
              child: Text(
                plugin.components.join(', '),
                overflow: TextOverflow.ellipsis,
                style: theme.textTheme.bodySmall,
              ),
            ),
          ],
        ),
      ),
    );
  }
}
