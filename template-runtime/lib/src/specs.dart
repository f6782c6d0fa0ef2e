// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:convert';

import 'tensor.dart';

/// One dimension of a tensor: fixed, or known when the component runs.
final class TvmDimension {
  /// A dimension of one [extent].
  const TvmDimension.fixed(int this.extent) : name = null, min = extent, max = extent;

  /// A dimension that has the same extent wherever its [name] stands in a call.
  const TvmDimension.dynamic(String this.name, {this.min = 0, this.max}) : extent = null;

  /// Its extent, if that is fixed.
  final int? extent;

  /// Its name, if the extent is not fixed.
  final String? name;

  /// The lowest extent.
  final int min;

  /// The highest extent; null where nothing was said, as for an output that has its own.
  final int? max;

  @override
  String toString() => name ?? '$extent';
}

/// Name, element type and shape of an input or output.
final class TvmTensorSpec {
  /// A spec, as the compiler wrote it into the plugin's metadata.
  const TvmTensorSpec(this.name, this.dtype, this.shape);

  /// Its name.
  final String name;

  /// Type of its elements.
  final TvmDtype dtype;

  /// Its dimensions.
  final List<TvmDimension> shape;

  @override
  String toString() => '$name: ${dtype.label} $shape';
}

/// One compiled function of a plugin, with its inputs and outputs.
final class TvmComponent {
  /// A component, as the compiler wrote it into the plugin's metadata.
  const TvmComponent(this.name, this.inputs, this.outputs);

  /// Its name.
  final String name;

  /// Its inputs.
  final List<TvmTensorSpec> inputs;

  /// Its outputs, in the order in which it returns them.
  final List<TvmTensorSpec> outputs;

  /// The components in the text of a `system_lib.json`.
  ///
  /// Throws a [FormatException] or a [TypeError] for anything else.
  static List<TvmComponent> listFromMetadata(Map<String, Object?> metadata) => [
    for (final component in metadata['components']! as List<Object?>)
      _component(component! as Map<String, Object?>),
  ];

  static TvmComponent _component(Map<String, Object?> json) {
    final bounds = json['dims'] as Map<String, Object?>? ?? const {};
    TvmDimension dimension(Object? extent) {
      if (extent is int) return TvmDimension.fixed(extent);
      final bound = bounds[extent] as Map<String, Object?>?;
      return TvmDimension.dynamic(
        extent! as String,
        min: bound?['min'] as int? ?? 0,
        max: bound?['max'] as int?,
      );
    }

    List<TvmTensorSpec> specs(String side) => [
      for (final spec in (json[side]! as List<Object?>).cast<Map<String, Object?>>())
        TvmTensorSpec(
          spec['name']! as String,
          TvmDtype.named(spec['dtype']! as String),
          List.unmodifiable((spec['shape']! as List<Object?>).map(dimension)),
        ),
    ];
    return TvmComponent(
      json['name']! as String,
      List.unmodifiable(specs('inputs')),
      List.unmodifiable(specs('outputs')),
    );
  }
}

/// Name and type of a method's argument.
final class TvmArgument {
  /// An argument of a [type] as `PREFIXmethods` in `tvm_plugin.h` writes it.
  const TvmArgument(this.name, this.type);

  /// Its name.
  final String name;

  /// Its type: `bool`, `int`, `float`, `string`, `bytes`, `tensor`, `list<T>` or `T?`.
  final String type;
}

/// A method of a model, as its plugin's `rust/src/api.rs` lists it.
final class TvmMethod {
  /// A method with its [arguments] and the type of its [result].
  const TvmMethod(this.name, this.arguments, this.result);

  /// Its name.
  final String name;

  /// Its arguments, in order.
  final List<TvmArgument> arguments;

  /// Type of its result: as an argument's, or `null`.
  final String result;

  /// The methods in the JSON that `PREFIXmethods` gives.
  static List<TvmMethod> listFromJson(String json) => [
    for (final method in (jsonDecode(json) as List<Object?>).cast<Map<String, Object?>>())
      TvmMethod(
        method['name']! as String,
        List.unmodifiable([
          for (final argument in (method['arguments']! as List<Object?>))
            if (argument case {'name': final String name, 'type': final String type})
              TvmArgument(name, type),
        ]),
        method['result']! as String,
      ),
  ];
}
