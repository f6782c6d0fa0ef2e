import 'dart:io';
import 'dart:typed_data';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/problem.dart';
import 'package:flutter_test/flutter_test.dart';

/// A WAV file with chunks as given.
Uint8List riff(List<(String, List<int>)> chunks) {
  final body = BytesBuilder()..add('WAVE'.codeUnits);
  for (final (tag, content) in chunks) {
    body
      ..add(tag.codeUnits)
      ..add(_u32(content.length))
      ..add(content);
    if (content.length.isOdd) body.addByte(0);
  }
  final bytes = body.takeBytes();
  return Uint8List.fromList([...'RIFF'.codeUnits, ..._u32(bytes.length), ...bytes]);
}

List<int> _u16(int value) => [value & 255, value >> 8 & 255];

List<int> _u32(int value) => [..._u16(value), ..._u16(value >> 16)];

(String, List<int>) format({
  int encoding = 1,
  int channels = 1,
  int rate = 16000,
  int bits = 16,
  List<int> more = const [],
}) => (
  'fmt ',
  [
    ..._u16(encoding),
    ..._u16(channels),
    ..._u32(rate),
    ..._u32(rate * channels * bits ~/ 8),
    ..._u16(channels * bits ~/ 8),
    ..._u16(bits),
    ...more,
  ],
);

Clip read(List<(String, List<int>)> chunks) => Clip.fromWav('x.wav', riff(chunks));

Matcher refused(String message, [String mend = '']) => throwsA(
  isA<Problem>()
      .having((problem) => problem.message, 'message', contains(message))
      .having((problem) => problem.mend, 'mend', contains(mend)),
);

void main() {
  test('the clip of the app is 6.1 s of speech', () {
    final clip = Clip.fromWav('speech.wav', File('assets/speech.wav').readAsBytesSync());
    expect(clip.seconds, closeTo(6.1, 0.1));
    expect(clip.samples, everyElement(inInclusiveRange(-1, 1)));
    expect(clip.samples.where((sample) => sample.abs() > 0.1), isNotEmpty);
  });

  group('samples', () {
    test('of 16 bits reach from -1 to 1', () {
      final clip = read([
        format(),
        ('data', [..._u16(0x8000), ..._u16(0), ..._u16(0x4000)]),
      ]);
      expect(clip.samples, [-1, 0, 0.5]);
    });

    test('of 8 bits have no sign', () {
      expect(
        read([
          format(bits: 8),
          ('data', [0, 128, 192]),
        ]).samples,
        [-1, 0, 0.5],
      );
    });

    test('of 24 bits', () {
      final clip = read([
        format(bits: 24),
        ('data', [0, 0, 0x80, 0, 0, 0x40, 0xFF, 0xFF, 0xFF]),
      ]);
      expect(clip.samples.sublist(0, 2), [-1, 0.5]);
      expect(clip.samples[2], closeTo(0, 1e-6));
    });

    test('of 32 bits', () {
      final clip = read([format(bits: 32), ('data', _u32(0xC0000000))]);
      expect(clip.samples, [-0.5]);
    });

    test('as floats', () {
      final floats = Float32List.fromList([0.25, -0.75]);
      final clip = read([format(encoding: 3, bits: 32), ('data', Uint8List.sublistView(floats))]);
      expect(clip.samples, floats);
    });

    test('in the extensible format have the encoding of its GUID', () {
      final more = [..._u16(22), ..._u16(16), ..._u32(4), ..._u16(1), ...List.filled(14, 0)];
      final clip = read([format(encoding: 0xFFFE, more: more), ('data', _u16(0x4000))]);
      expect(clip.samples, [0.5]);
    });

    test('of several channels become their mean', () {
      final clip = read([
        format(channels: 2),
        ('data', [..._u16(0x4000), ..._u16(0), ..._u16(0x8000), ..._u16(0x8000)]),
      ]);
      expect(clip.samples, [0.25, -1]);
    });
  });

  test('other chunks are skipped, also those of odd length', () {
    final clip = read([
      ('LIST', [1, 2, 3]),
      format(),
      ('note', []),
      ('data', _u16(0x4000)),
    ]);
    expect(clip.samples, [0.5]);
  });

  test('a file that ends early gives the sound that is there', () {
    final whole = riff([format(), ('data', List.filled(100, 0))]);
    final clip = Clip.fromWav('x.wav', Uint8List.sublistView(whole, 0, whole.length - 51));
    expect(clip.samples.length, 24);
  });

  group('refused in words, with a mend:', () {
    test('no WAV file', () {
      expect(() => Clip.fromWav('x.mp3', Uint8List(99)), refused('not a WAV file', '.wav'));
      expect(() => Clip.fromWav('x.wav', Uint8List(3)), refused('not a WAV file'));
    });

    test('no format, no data', () {
      expect(() => read([('data', _u16(1))]), refused('cut short'));
      expect(() => read([format()]), refused('cut short'));
      expect(() => read([('fmt ', _u16(1)), ('data', _u16(1))]), refused('cut short'));
    });

    test('no sound', () {
      expect(() => read([format(), ('data', [])]), refused('no sound'));
      expect(
        () => read([
          format(),
          ('data', [7]),
        ]),
        refused('no sound'),
      );
    });

    test('another rate', () {
      expect(
        () => read([format(rate: 44100), ('data', _u16(1))]),
        refused('44100 samples per second, the model needs 16000', 'ffmpeg -i x.wav -ar 16000'),
      );
    });

    test('another encoding', () {
      expect(
        () => read([
          format(encoding: 7, bits: 8),
          ('data', [1]),
        ]),
        refused('number 7, 8 bits', '16-bit PCM'),
      );
      expect(() => read([format(channels: 0), ('data', _u16(1))]), refused('0 channels'));
    });
  });
}
