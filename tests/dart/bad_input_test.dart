// Wrong calls of the real plugins: each is an exception in words, and the process lives on.

import 'dart:isolate';
import 'dart:io';
import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

import 'support.dart';

void main() {
  group('a session', () {
    late TvmSession encoder;
    late TvmSession step;
    setUpAll(() async {
      encoder = await g2p.openSession('encoder');
      step = await g2p.openSession('decoder_step');
    });
    tearDownAll(() async {
      // It still computes after all that was refused.
      expect(
        (await encoder.run({
          'ids': row([3, 2]),
        }))['hidden']!.shape,
        [1, 256],
      );
      await encoder.close();
      await step.close();
      await untilNothingIsHeld(g2p);
    });

    final hidden = TvmTensor.float32(Float32List(256), [1, 256]);

    void refuses(
      String what,
      TvmSession Function() session,
      Map<String, TvmTensor> inputs,
      TvmErrorCode code,
      String message,
      String mend,
    ) => test('refuses $what', () async {
      await expectLater(session().run(inputs), refused(code, message, mend));
    });

    refuses(
      'a wrong name',
      () => encoder,
      {
        'letters': row([3]),
      },
      TvmErrorCode.unknown,
      'there is no input named `letters`',
      'Use one of the inputs: ids',
    );
    refuses(
      'a missing input',
      () => step,
      {'hidden': hidden},
      TvmErrorCode.missing,
      'input `previous` is missing',
      'Pass a tensor named `previous`',
    );
    refuses(
      'no inputs',
      () => step,
      {},
      TvmErrorCode.missing,
      'input `previous` is missing',
      'Pass a tensor named `previous`',
    );
    refuses(
      'another element type',
      () => encoder,
      {
        'ids': TvmTensor.int32(Int32List(2), [1, 2]),
      },
      TvmErrorCode.dtype,
      '`ids` must be int64, but it is int32',
      'Pass `ids` as int64',
    );
    refuses(
      'another rank',
      () => encoder,
      {'ids': TvmTensor.int64(Int64List(2))},
      TvmErrorCode.shape,
      'it must have 2 dimensions',
      'with shape [1, n]',
    );
    refuses(
      'a list that is too long',
      () => encoder,
      {'ids': row(List.filled(65, 3))},
      TvmErrorCode.shape,
      'n is 65, outside 1 to 64',
      'with shape [1, n]',
    );
    refuses(
      'an empty list',
      () => encoder,
      {'ids': row([])},
      TvmErrorCode.shape,
      'n is 0, outside 1 to 64',
      'with shape [1, n]',
    );
    refuses(
      'a wrong fixed length',
      () => step,
      {
        'previous': row([2]),
        'hidden': TvmTensor.float32(Float32List(255), [1, 255]),
      },
      TvmErrorCode.shape,
      'dimension 1 is 255',
      'with shape [1, 256]',
    );
    refuses(
      'an index outside its table',
      () => encoder,
      {
        'ids': row([3, 29, 2]),
      },
      TvmErrorCode.outOfRange,
      'element 1 of `ids` is 29, outside the range 0..29',
      'at least 0 and below 29',
    );
    refuses(
      'a negative index',
      () => encoder,
      {
        'ids': row([-1]),
      },
      TvmErrorCode.outOfRange,
      'element 0 of `ids` is -1',
      'at least 0',
    );
    refuses(
      '200 MB of the wrong shape',
      () => encoder,
      {
        'ids': TvmTensor.int64(Int64List(25000000), [1, 25000000]),
      },
      TvmErrorCode.shape,
      'n is 25000000, outside 1 to 64',
      'with shape [1, n]',
    );

    test('computes with what is no number as TVM does', () async {
      final spoilt = TvmTensor.float32(Float32List(256)..[0] = double.nan, [1, 256]);
      final outputs = await step.run({
        'previous': row([2]),
        'hidden': spoilt,
      });
      expect(outputs['scores']!.float32, contains(isNaN));
    });

    test('that does not exist is refused with the names there are', () async {
      await expectLater(
        g2p.openSession('decoder'),
        refused(
          TvmErrorCode.unknown,
          'there is no component named `decoder`',
          'encoder, decoder_step',
        ),
      );
    });

    test('takes its outputs as inputs again, without a copy, also when it is closed', () async {
      final own = await g2p.openSession('encoder');
      final hidden = (await own.run({
        'ids': row([3, 2]),
      }))['hidden']!;
      await own.close();
      final first = await step.run({
        'previous': row([2]),
        'hidden': hidden,
      });
      final second = await step.run({
        'previous': row([2]),
        'hidden': hidden,
      });
      expect(second['scores']!.float32, first['scores']!.float32);
      final copy = TvmTensor.float32(Float32List.fromList(hidden.float32), [1, 256]);
      final third = await step.run({
        'previous': row([2]),
        'hidden': copy,
      });
      expect(third['scores']!.float32, first['scores']!.float32);
    });

    test('gives outputs that cannot be written', () async {
      final hidden = (await encoder.run({
        'ids': row([3, 2]),
      }))['hidden']!;
      expect(() => hidden.float32[0] = 1, throwsUnsupportedError);
      expect(() => hidden.bytes[0] = 1, throwsUnsupportedError);
    });

    test('gives outputs that another isolate gets as a copy', () async {
      final hidden = (await encoder.run({
        'ids': row([3, 2]),
      }))['hidden']!;
      final (sum, copy) = await _sumElsewhere(hidden);
      expect(sum, hidden.float32.reduce((a, b) => a + b));
      final first = await step.run({
        'previous': row([2]),
        'hidden': hidden,
      });
      final second = await step.run({
        'previous': row([2]),
        'hidden': copy,
      });
      expect(second['scores']!.float32, first['scores']!.float32);
    });

    test('takes an input as it is when it is called', () async {
      final ids = Int64List.fromList([3, 4, 2]);
      final expected = (await encoder.run({
        'ids': row([3, 4, 2]),
      }))['hidden']!.float32;
      final running = encoder.run({
        'ids': TvmTensor.int64(ids, [1, 3]),
      });
      ids.fillRange(0, 3, 5);
      expect((await running)['hidden']!.float32, expected);
    });

    test('takes what it allocated, again and again', () async {
      final hidden = step.allocate(TvmDtype.float32, [1, 256]);
      expect(hidden.float32, everyElement(0));
      for (final value in [0.0, 0.25]) {
        hidden.float32.fillRange(0, 256, value);
        final list = TvmTensor.float32(Float32List(256)..fillRange(0, 256, value), [1, 256]);
        final expected = await step.run({
          'previous': row([2]),
          'hidden': list,
        });
        final given = await step.run({
          'previous': row([2]),
          'hidden': hidden,
        });
        expect(given['scores']!.float32, expected['scores']!.float32);
      }
    });

    test('copies allocated integers, which may be indices', () async {
      final ids = encoder.allocate(TvmDtype.int64, [1, 2]);
      ids.int64.setAll(0, [3, 2]);
      final running = encoder.run({'ids': ids});
      ids.int64.fillRange(0, 2, 1 << 40);
      final expected = await encoder.run({
        'ids': row([3, 2]),
      });
      expect((await running)['hidden']!.float32, expected['hidden']!.float32);
      await expectLater(
        encoder.run({'ids': ids}),
        refused(TvmErrorCode.outOfRange, 'element 0 of `ids`', 'below 29'),
      );
    });

    test('allocates no nonsense', () async {
      TvmTensor allocate(List<int> shape) => step.allocate(TvmDtype.float32, shape);
      expect(() => allocate([1, -1]), refused(TvmErrorCode.shape, 'a dimension is negative'));
      expect(() => allocate([1 << 62, 4]), refused(TvmErrorCode.shape, ''));
      expect(() => allocate([1 << 48]), refused(TvmErrorCode.invalid, 'no memory for a tensor'));
      expect(allocate([0, 4]).float32, isEmpty);
      final own = await g2p.openSession('decoder_step');
      await own.close();
      expect(
        () => own.allocate(TvmDtype.float32, [1]),
        refused(TvmErrorCode.closed, 'was closed before this call'),
      );
    });

    test('closes after what was started, twice if asked, and refuses what comes then', () async {
      final own = await g2p.openSession('encoder');
      final running = [
        for (var i = 0; i < 20; i++) own.run({'ids': row(List.filled(64, 3))}),
      ];
      final closed = own.close();
      expect(own.isClosed, isTrue);
      final late = expectLater(
        own.run({
          'ids': row([3]),
        }),
        refused(TvmErrorCode.closed, 'was closed before this call', 'Open it again'),
      );
      expect(await Future.wait(running), hasLength(20));
      await closed;
      await own.close();
      await late;
    });
  });

  group('a model', () {
    late TvmModel model;
    setUpAll(() async => model = await vad.openModel());
    tearDownAll(() async {
      expect(await model.call('process', [TvmTensor.float32(Float32List(512))]), isA<double>());
      await model.close();
      await untilNothingIsHeld(vad);
    });

    void refuses(
      String what,
      String method,
      List<Object?> Function() arguments,
      TvmErrorCode code,
      String message,
    ) => test('refuses $what', () async {
      await expectLater(model.call(method, arguments()), refused(code, message));
    });

    refuses(
      'a wrong name',
      'proces',
      () => [],
      TvmErrorCode.unknown,
      'there is no method named `proces`',
    );
    refuses(
      'too few arguments',
      'process',
      () => [],
      TvmErrorCode.argument,
      '`process` takes 1 arguments, but it was given 0',
    );
    refuses(
      'an argument of another type',
      'process',
      () => [Float32List(512)],
      TvmErrorCode.argument,
      '`chunk` takes tensor, but it was given list<float>',
    );
    refuses(
      'an object',
      'process',
      () => [DateTime.now()],
      TvmErrorCode.argument,
      '`chunk` takes tensor, but it was given DateTime',
    );
    refuses(
      'an empty list',
      'process',
      () => [TvmTensor.float32(Float32List(0))],
      TvmErrorCode.model,
      'the chunk has 0 samples',
    );
    refuses(
      'a wrong length',
      'process',
      () => [TvmTensor.float32(Float32List(511))],
      TvmErrorCode.model,
      'the chunk has 511 samples',
    );
    refuses(
      'another element type',
      'process',
      () => [TvmTensor.float64(Float64List(512))],
      TvmErrorCode.dtype,
      'must be float32, but it is float64',
    );
    refuses(
      'what is no number',
      'process',
      () => [TvmTensor.float32(Float32List(512)..[7] = double.nan)],
      TvmErrorCode.model,
      'sample 7 is NaN',
    );
    refuses(
      '200 MB',
      'process',
      () => [TvmTensor.float32(Float32List(50000000))],
      TvmErrorCode.model,
      'the chunk has 50000000 samples',
    );
    refuses(
      'an option that makes no sense',
      'segments_with',
      () => [TvmTensor.float32(Float32List(512)), double.nan, 1.0, 1.0, 1.0],
      TvmErrorCode.model,
      'the threshold is NaN',
    );

    test("copies what is Dart's memory, and lends what is TVM's", () async {
      final (_, copy) = await _sumElsewhere(TvmTensor.float32(Float32List(512)));
      Future<TvmTensor> probabilities(int chunks) async {
        final sound = TvmTensor.float32(Float32List(512 * chunks));
        return await model.call('probabilities', [sound]) as TvmTensor;
      }

      // Of 2 KiB, which is copied, and of more than 4 KiB.
      final (small, large) = (await probabilities(512), await probabilities(1040));
      final allocated = model.allocate(TvmDtype.float32, [512]);
      final integers = model.allocate(TvmDtype.int64, [512]);
      final inputs = [
        ('process', TvmTensor.float32(Float32List(512)), 1),
        ('process', copy, 1),
        ('process', integers, 1),
        ('process', allocated, 0),
        ('process', small, 1),
        ('probabilities', large, 0),
      ];
      await until(() => vad.held['tensors'] == 3, () => '${vad.held}');
      // While the first call runs, the others wait with their tickets.
      final calls = [
        model.call('probabilities', [TvmTensor.float32(Float32List(512 * 500))]),
      ];
      for (final (method, input, tickets) in inputs) {
        final before = vad.held['tensors']!;
        calls.add(model.call(method, [input]));
        expect(vad.held['tensors']! - before, tickets, reason: '$input');
      }
      final refusal = refused(TvmErrorCode.dtype, 'but it is int64');
      await expectLater(calls.removeAt(3), refusal);
      await Future.wait(calls);
      expect([allocated.length, integers.length, large.length], [512, 512, 1040]);
    });

    test('gives the memory of large inputs back', () async {
      final large = [TvmTensor.float32(Float32List(50000000))];
      Future<int> after() async {
        await expectLater(model.call('process', large), refused(TvmErrorCode.model, '50000000'));
        return ProcessInfo.currentRss;
      }

      final once = await after();
      for (var i = 0; i < 5; i++) {
        await after();
      }
      expect(ProcessInfo.currentRss, lessThan(once + 50000000));
    });

    test('takes a text of 20 MB as one word that is too long', () async {
      final words = await g2p.openModel();
      await expectLater(
        words.call('phonemes', ['x' * 20000000]),
        refused(TvmErrorCode.model, 'the word has 20000000 letters'),
      );
      expect(await words.call('phonemes', ['cat']), 'K AE1 T');
      await words.close();
    });

    test('finishes what runs while it is closed', () async {
      final own = await vad.openModel();
      final running = own.call('probabilities', [TvmTensor.float32(Float32List(512 * 300))]);
      final queued = own.call('process', [TvmTensor.float32(Float32List(512))]);
      final closed = own.close();
      final late = expectLater(own.call('reset'), refused(TvmErrorCode.closed, 'was closed'));
      expect(
        (await running)! as TvmTensor,
        isA<TvmTensor>().having((t) => t.shape, 'shape', [300]),
      );
      expect(await queued, isA<double>());
      await closed;
      await late;
    });

    test('cannot be sent to another isolate', () async {
      await expectLater(Isolate.run(() => model.isClosed), throwsArgumentError);
    });
  });

  group('at the same time', () {
    test('two isolates use a model each, of one plugin', () async {
      final mine = await g2p.openModel();
      final theirs = Isolate.run(_speakElsewhere);
      final spoken = [
        for (var i = 0; i < 50; i++) await mine.call('phonemes', ['dog']),
      ];
      expect(spoken.toSet(), {'D AO1 G'});
      expect((await theirs).toSet(), {'K AE1 T'});
      await mine.close();
    });

    test('two models of two plugins answer as they do alone', () async {
      final words = await g2p.openModel();
      final sound = await vad.openModel();
      final samples = [TvmTensor.float32(Float32List(512 * 40)..fillRange(5000, 9000, 0.1))];
      Future<List<double>> hear() async =>
          ((await sound.call('probabilities', samples))! as TvmTensor).float32;
      final alone = await hear();
      final together = await Future.wait([
        for (var i = 0; i < 10; i++) ...[
          hear(),
          words.call('phonemes', ['cat']),
        ],
      ]);
      for (final (index, answer) in together.indexed) {
        expect(answer, index.isEven ? alone : 'K AE1 T');
      }
      expect(g2p.owners, {'g2p_': 'g2p_flutter', 'vad_': 'vad_flutter'});
      await Future.wait([words.close(), sound.close()]);
    });
  });
}

/// The sum of a tensor's elements, and the tensor, both from another isolate.
Future<(double, TvmTensor)> _sumElsewhere(TvmTensor tensor) =>
    Isolate.run(() => (tensor.float32.reduce((a, b) => a + b), tensor));

Future<List<Object?>> _speakElsewhere() async {
  final model = await g2p.openModel();
  final spoken = [
    for (var i = 0; i < 50; i++) await model.call('phonemes', ['cat']),
  ];
  await model.close();
  return spoken;
}
