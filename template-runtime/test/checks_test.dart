// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/src/checks.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

/// Calls [check] and says what it throws, as `code: message`.
String? refusal(void Function() check) {
  try {
    check();
    return null;
  } on TvmException catch (error) {
    return '${error.code.name}: ${error.message}';
  }
}

void main() {
  group('inputs', () {
    final component = TvmComponent.listFromMetadata({
      'components': [
        {
          'name': 'join',
          'inputs': [
            {
              'name': 'x',
              'dtype': 'float32',
              'shape': [1, 'n'],
            },
            {
              'name': 'y',
              'dtype': 'int64',
              'shape': ['n'],
            },
          ],
          'outputs': <Object?>[],
          'dims': {
            'n': {'min': 1, 'max': 4},
          },
        },
      ],
    }).single;

    String? check(TvmTensor x, TvmTensor y) =>
        refusal(() => checkInputs(component, {'x': x, 'y': y}));

    TvmTensor row(int length) => TvmTensor.float32(Float32List(length), [1, length]);
    TvmTensor ids(int length) => TvmTensor.int64(Int64List(length));

    test('that fit pass', () {
      for (final length in [1, 4]) {
        expect(check(row(length), ids(length)), null);
      }
    });

    test('of another name are told the names', () {
      expect(
        refusal(() => checkInputs(component, {'x': row(1), 'z': ids(1)})),
        'unknown: there is no input named `z`',
      );
      expect(refusal(() => checkInputs(component, {'x': row(1)})), 'missing: input `y` is missing');
    });

    test('of another element type', () {
      expect(check(row(1), row(1)), 'dtype: `y` must be int64, but it is float32');
    });

    test('of another rank, extent or length', () {
      const shape = 'shape: `x` must have shape [1, n], but it has';
      expect(
        check(TvmTensor.float32(Float32List(2)), ids(2)),
        '$shape [2]: it must have 2 dimensions',
      );
      expect(
        check(TvmTensor.float32(Float32List(4), [2, 2]), ids(2)),
        '$shape [2, 2]: dimension 0 is 2',
      );
      expect(check(row(5), ids(5)), '$shape [1, 5]: n is 5, outside 1 to 4');
      expect(check(row(0), ids(0)), '$shape [1, 0]: n is 0, outside 1 to 4');
      expect(
        check(row(2), ids(3)),
        'shape: `y` must have shape [n], but it has [3]: n is 3, but 2 in `x`',
      );
    });
  });

  group('arguments', () {
    const methods = [
      TvmMethod('say', [
        TvmArgument('text', 'string'),
        TvmArgument('times', 'int?'),
        TvmArgument('parts', 'list<list<float>>'),
      ], 'null'),
    ];

    String? check(List<Object?> arguments) =>
        refusal(() => checkArguments(methods, 'say', arguments));

    test('that fit pass', () {
      expect(
        check([
          'a',
          null,
          [
            [1, 2.5],
            <double>[],
          ],
        ]),
        null,
      );
      expect(check(['a', 3, <Object?>[]]), null);
    });

    test('of an unknown method', () {
      expect(
        refusal(() => checkArguments(methods, 'nope', [])),
        'unknown: there is no method named `nope`',
      );
    });

    test('of another number', () {
      expect(check(['a']), 'argument: `say` takes 3 arguments, but it was given 1');
    });

    test('of another type', () {
      expect(check([1, null, <Object?>[]]), 'argument: `text` takes string, but it was given int');
      expect(
        check(['a', 1.5, <Object?>[]]),
        'argument: `times` takes int?, but it was given float',
      );
      expect(
        check([
          'a',
          1,
          [
            ['b'],
          ],
        ]),
        'argument: `parts` takes list<list<float>>, but it was given list<list<string>>',
      );
      expect(
        check(['a', 1, Uint8List(2)]),
        'argument: `parts` takes list<list<float>>, but it was given bytes',
      );
    });
  });
}
