// Owned by you: written once, an update never touches it.

import 'dart:async';
import 'dart:typed_data';

/// Cuts blocks of samples of any size into chunks of one size, the last one filled up with zeros.
final class Chunks extends StreamTransformerBase<Float32List, Float32List> {
  /// Chunks of [size] samples.
  const Chunks(this.size);

  /// Samples of a chunk.
  final int size;

  @override
  Stream<Float32List> bind(Stream<Float32List> stream) async* {
    var chunk = Float32List(size);
    var filled = 0;
    await for (final block in stream) {
      for (var taken = 0; taken < block.length;) {
        final count = (size - filled).clamp(0, block.length - taken);
        chunk.setRange(filled, filled + count, block, taken);
        filled += count;
        taken += count;
        if (filled == size) {
          yield chunk;
          chunk = Float32List(size);
          filled = 0;
        }
      }
    }
    if (filled > 0) yield chunk;
  }
}
