import 'dart:io';

import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/phoneme.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/process_libraries.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';

void main() {
  group('a phoneme', () {
    test('is read with its stress', () {
      expect(Phoneme.parse('K').stress, Stress.none);
      for (final (text, stress) in [
        ('AE0', Stress.unstressed),
        ('AE1', Stress.primary),
        ('AE2', Stress.secondary),
      ]) {
        final phoneme = Phoneme.parse(text);
        expect((phoneme.symbol, phoneme.stress), ('AE', stress));
      }
    });

    test('is spoken with its stress and a word that has it', () {
      expect(Phoneme.parse('AE1').spoken, 'AE, primary stress, as in at');
      expect(Phoneme.parse('K').spoken, 'K, consonant, as in key');
    });

    test('that ARPAbet does not have is shown as it is', () {
      expect(Phoneme.parse('').symbol, '');
      expect(Phoneme.parse('<unk>').spoken, '<unk>, consonant');
    });
  });

  group('a problem', () {
    test('of a plugin keeps its words', () {
      final problem = Problem.of(
        const TvmException(TvmErrorCode.model, 'the word has no letter', 'Type one'),
      );
      expect(problem.message, 'The word has no letter');
      expect(problem.mend, 'Type one');
      expect('$problem', 'The word has no letter. Type one');
    });

    test('of a file names it and the reason', () {
      late final Object error;
      try {
        File('/no/such/file.wav').readAsBytesSync();
      } on FileSystemException catch (caught) {
        error = caught;
      }
      expect(
        Problem.of(error).message,
        'The file /no/such/file.wav cannot be read: No such file or directory',
      );
    });

    test('of any other kind is told, and is itself when it is one', () {
      expect(Problem.of(StateError('odd')).message, contains('odd'));
      const problem = Problem('a', 'b');
      expect(Problem.of(problem), same(problem));
    });
  });

  test('TVM libraries are found among what a process has mapped, each once', () {
    const maps = '''
55d0-55d1 r--p 00000000 08:01 42                         /app/demo_app
7f10-7f11 r--p 00000000 08:01 43                         /my app/lib/libtvm_runtime.so
7f11-7f12 r-xp 00001000 08:01 43                         /my app/lib/libtvm_runtime.so
7f20-7f21 r-xp 00000000 08:01 44                         /my app/lib/libtvm_ffi.so
7f30-7f31 r-xp 00000000 08:01 45                         /my app/lib/libtvm_runtime.so.bak
7f40-7f41 rw-p 00000000 00:00 0                          [heap]
7f50-7f51 rw-p 00000000 00:00 0 
''';
    expect(tvmLibrariesIn(maps), ['/my app/lib/libtvm_ffi.so', '/my app/lib/libtvm_runtime.so']);
  });

  test('milliseconds are as exact as it makes sense', () {
    expect(milliseconds(const Duration(microseconds: 3240)), '3.2 ms');
    expect(milliseconds(const Duration(microseconds: 41499)), '41 ms');
  });
}
