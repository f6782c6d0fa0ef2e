import 'package:demo_app/src/problem.dart';
import 'package:flutter/foundation.dart';

/// A recording of one channel at [rate].
@immutable
final class Clip {
  /// A clip called [name] with [samples] from -1 to 1.
  const Clip(this.name, this.samples);

  /// Reads the [bytes] of a WAV file.
  ///
  /// Takes integer samples of 8, 16, 24 and 32 bits and 32-bit floats; several channels become
  /// their mean. Throws a [Problem] for anything else, and for another rate than [rate]: changing
  /// it well takes a filter, which is not this demo's subject.
  factory Clip.fromWav(String name, Uint8List bytes) {
    final file = _Riff(name, bytes);
    final format = file.chunk('fmt ');
    final data = file.chunk('data');
    if (format == null || format.lengthInBytes < 16 || data == null) {
      throw Problem('$name is cut short: it has no format or no sound', 'Save the recording again');
    }
    var encoding = format.getUint16(0, Endian.little);
    // WAVE_FORMAT_EXTENSIBLE: the encoding is the first field of the GUID.
    if (encoding == 0xFFFE && format.lengthInBytes >= 26) {
      encoding = format.getUint16(24, Endian.little);
    }
    final channels = format.getUint16(2, Endian.little);
    final found = format.getUint32(4, Endian.little);
    final bits = format.getUint16(14, Endian.little);
    final read = _readers[(encoding, bits)];
    if (read == null || channels == 0) {
      throw Problem(
        '$name holds sound in an encoding that this app does not read '
            '(number $encoding, $bits bits, $channels channels)',
        'Save it as 16-bit PCM',
      );
    }
    if (found != rate) {
      throw Problem(
        '$name has $found samples per second, the model needs $rate',
        'Convert it: ffmpeg -i $name -ar $rate -ac 1 converted.wav',
      );
    }
    final size = bits ~/ 8;
    final samples = Float32List(data.lengthInBytes ~/ (size * channels));
    if (samples.isEmpty) throw Problem('$name holds no sound', 'Choose another recording');
    for (var frame = 0, at = 0; frame < samples.length; frame++) {
      var sum = 0.0;
      for (var channel = 0; channel < channels; channel++, at += size) {
        sum += read(data, at);
      }
      samples[frame] = sum / channels;
    }
    return Clip(name, samples);
  }

  /// Samples per second.
  static const int rate = 16000;

  /// Samples that the speech model looks at together.
  static const int chunk = 512;

  /// What the clip is called.
  final String name;

  /// The sound.
  final Float32List samples;

  /// How long it plays.
  double get seconds => samples.length / rate;
}

/// How one sample is read, by encoding (1: integers, 3: floats) and bits.
final Map<(int, int), double Function(ByteData, int)> _readers = {
  (1, 8): (data, at) => (data.getUint8(at) - 128) / 128,
  (1, 16): (data, at) => data.getInt16(at, Endian.little) / 32768,
  (1, 24): (data, at) =>
      (data.getUint8(at) | data.getUint8(at + 1) << 8 | data.getInt8(at + 2) << 16) / 8388608,
  (1, 32): (data, at) => data.getInt32(at, Endian.little) / 2147483648,
  (3, 32): (data, at) => data.getFloat32(at, Endian.little),
};

/// The chunks of a RIFF file.
final class _Riff {
  _Riff(String name, this._bytes) {
    if (_bytes.length < 12 || _tag(0) != 'RIFF' || _tag(8) != 'WAVE') {
      throw Problem('$name is not a WAV file', 'Choose a file that ends in .wav');
    }
  }

  final Uint8List _bytes;

  String _tag(int at) => String.fromCharCodes(_bytes, at, at + 4);

  /// The contents of the first chunk with this [tag]; what is missing at the file's end is left out.
  ByteData? chunk(String tag) {
    final view = ByteData.sublistView(_bytes);
    var at = 12;
    while (at + 8 <= _bytes.length) {
      final size = view.getUint32(at + 4, Endian.little);
      final start = at + 8;
      if (_tag(at) == tag) {
        final end = start + size > _bytes.length ? _bytes.length : start + size;
        return ByteData.sublistView(_bytes, start, end);
      }
      // Chunks begin at even places.
      at = start + size + size % 2;
    }
    return null;
  }
}
