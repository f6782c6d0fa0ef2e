// Owned by the template: `copier update` may rewrite it, do not edit.

/// Checks of a call before anything leaves the calling isolate. They say what the Rust crate would,
/// which checks again what it is given: the range of index inputs it checks alone.
library;

import 'dart:typed_data';

import 'errors.dart';
import 'specs.dart';
import 'tensor.dart';

/// Checks the names, element types and shapes of a component's [inputs].
///
/// Throws a [TvmException].
void checkInputs(TvmComponent component, Map<String, TvmTensor> inputs) {
  final names = [for (final spec in component.inputs) spec.name];
  for (final name in inputs.keys) {
    if (!names.contains(name)) {
      throw TvmException(
        TvmErrorCode.unknown,
        'there is no input named `$name`',
        'Use one of the inputs: ${names.join(', ')}',
      );
    }
  }
  final dimensions = <String, (int, String)>{};
  for (final spec in component.inputs) {
    final tensor = inputs[spec.name];
    if (tensor == null) {
      throw TvmException(
        TvmErrorCode.missing,
        'input `${spec.name}` is missing',
        'Pass a tensor named `${spec.name}`',
      );
    }
    _checkTensor(spec, tensor, dimensions);
  }
}

void _checkTensor(TvmTensorSpec spec, TvmTensor tensor, Map<String, (int, String)> dimensions) {
  if (tensor.dtype != spec.dtype) {
    throw TvmException(
      TvmErrorCode.dtype,
      '`${spec.name}` must be ${spec.dtype.label}, but it is ${tensor.dtype.label}',
      'Pass `${spec.name}` as ${spec.dtype.label}',
    );
  }
  final wrong = _wrongShape(spec, tensor.shape, dimensions);
  if (wrong != null) {
    throw TvmException(
      TvmErrorCode.shape,
      '`${spec.name}` must have shape ${spec.shape}, but it has ${tensor.shape}: $wrong',
      'Pass `${spec.name}` with shape ${spec.shape}',
    );
  }
}

/// Which rule a shape breaks, if any. Binds the dynamic dimensions that it has.
String? _wrongShape(TvmTensorSpec spec, List<int> shape, Map<String, (int, String)> dimensions) {
  if (shape.length != spec.shape.length) return 'it must have ${spec.shape.length} dimensions';
  for (final (axis, dimension) in spec.shape.indexed) {
    final extent = shape[axis];
    final name = dimension.name;
    if (name == null) {
      if (extent != dimension.extent) return 'dimension $axis is $extent';
      continue;
    }
    final max = dimension.max;
    if (extent < dimension.min || (max != null && extent > max)) {
      return '$name is $extent, outside ${dimension.min} to ${max ?? 'any number'}';
    }
    final (bound, by) = dimensions.putIfAbsent(name, () => (extent, spec.name));
    if (bound != extent) return '$name is $extent, but $bound in `$by`';
  }
  return null;
}

/// Checks the name, number and types of a method's arguments against the [known] methods.
///
/// Throws a [TvmException].
void checkArguments(List<TvmMethod> known, String name, List<Object?> arguments) {
  final method = known.where((method) => method.name == name).firstOrNull;
  if (method == null) {
    throw TvmException(
      TvmErrorCode.unknown,
      'there is no method named `$name`',
      'Use one of the methods: ${known.map((method) => method.name).join(', ')}',
    );
  }
  if (arguments.length != method.arguments.length) {
    throw _argument(name, '${method.arguments.length} arguments', '${arguments.length}');
  }
  for (final (position, argument) in method.arguments.indexed) {
    if (!fits(argument.type, arguments[position])) {
      throw _argument(argument.name, argument.type, _kind(arguments[position]));
    }
  }
}

TvmException _argument(String name, String want, String got) => TvmException(
  TvmErrorCode.argument,
  '`$name` takes $want, but it was given $got',
  'Pass $want for `$name`',
);

/// Whether [value] is of a [type], written as in [TvmArgument.type].
bool fits(String type, Object? value) {
  if (type.endsWith('?')) return value == null || fits(type.substring(0, type.length - 1), value);
  if (type.startsWith('list<')) {
    final element = type.substring('list<'.length, type.length - 1);
    return value is List<Object?> &&
        value is! Uint8List &&
        value.every((item) => fits(element, item));
  }
  return switch (type) {
    'bool' => value is bool,
    'int' => value is int,
    'float' => value is num,
    'string' => value is String,
    'bytes' => value is Uint8List,
    'tensor' => value is TvmTensor,
    // A type of a newer plugin: the Rust crate decides.
    _ => true,
  };
}

/// What kind of value it is, as the Rust crate says it.
String _kind(Object? value) => switch (value) {
  null => 'null',
  bool() => 'bool',
  int() => 'int',
  double() => 'float',
  String() => 'string',
  Uint8List() => 'bytes',
  TvmTensor() => 'tensor',
  List<Object?>() => 'list<${value.map(_kind).toSet().join(' or ')}>',
  _ => '${value.runtimeType}',
};
