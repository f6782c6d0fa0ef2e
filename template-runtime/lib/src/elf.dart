// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:ffi' show Abi;
import 'dart:io';
import 'dart:typed_data';

/// Why the file at [path] cannot be a whole library for this machine, as Linux and Android load
/// them, or null.
///
/// The system's loader maps a library without asking whether the file is long enough; reading behind
/// its end then ends the process. So the parts that it maps are compared with the file's length
/// (System V gABI, chapters 4 and 5). Of a library for another machine it says that it is not there.
String? damageOf(String path) {
  final file = File(path).openSync();
  try {
    final length = file.lengthSync();
    final start = file.readSync(_Elf.headerSize);
    final elf = _Elf.read(start);
    if (elf == null) return 'it is no library';
    if (elf.machine != _machines[Abi.current()]) return 'it is for another kind of processor';
    file.setPositionSync(elf.segmentTable);
    final table = file.readSync(elf.segments * elf.segmentSize);
    return elf.ends(table).every((end) => end <= length) ? null : 'it is cut off';
  } finally {
    file.closeSync();
  }
}

/// The numbers of processors in an ELF header.
const Map<Abi, int> _machines = {
  Abi.androidArm: 40,
  Abi.androidArm64: 183,
  Abi.androidX64: 62,
  Abi.linuxArm64: 183,
  Abi.linuxX64: 62,
};

/// The header of an ELF file.
final class _Elf {
  _Elf._(this._header, this._is64);

  /// The header of a file that begins with [start], or null if it is no ELF file.
  static _Elf? read(Uint8List start) {
    const magic = [0x7f, 0x45, 0x4c, 0x46];
    if (start.length < headerSize || magic.indexed.any((byte) => start[byte.$1] != byte.$2)) {
      return null;
    }
    return _Elf._(ByteData.sublistView(start), start[4] == 2);
  }

  /// Of a 64-bit file; that of a 32-bit file is shorter, and such a library is longer than this.
  static const int headerSize = 64;

  static const int _load = 1;

  final ByteData _header;
  final bool _is64;

  int get machine => _half(18);
  int get segmentTable => _word(_header, _is64 ? 32 : 28);
  int get segmentSize => _half(_is64 ? 54 : 42);
  int get segments => _half(_is64 ? 56 : 44);

  /// Where the parts end that the file must have: the table of sections, which linkers write last,
  /// the [table] of segments, and each segment in it that is loaded.
  Iterable<int> ends(Uint8List table) sync* {
    yield _word(_header, _is64 ? 40 : 32) + _half(_is64 ? 58 : 46) * _half(_is64 ? 60 : 48);
    yield segmentTable + segments * segmentSize;
    final entries = ByteData.sublistView(table);
    for (var at = 0; at + segmentSize <= table.length; at += segmentSize) {
      if (entries.getUint32(at, Endian.little) != _load) continue;
      yield _word(entries, at + (_is64 ? 8 : 4)) + _word(entries, at + (_is64 ? 32 : 16));
    }
  }

  int _half(int offset) => _header.getUint16(offset, Endian.little);

  int _word(ByteData data, int offset) =>
      _is64 ? data.getInt64(offset, Endian.little) : data.getUint32(offset, Endian.little);
}
