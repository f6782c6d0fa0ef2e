// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:convert';
import 'dart:ffi';
import 'dart:typed_data';

import 'bindings.dart';
import 'errors.dart';

/// The number of a tensor in a mailbox: what stands for the tensor in messages between isolates.
final class Ticket {
  /// The ticket with a [number].
  const Ticket(this.number);

  /// Its number.
  final int number;
}

/// Memory that a mailbox lends for one call: places for what the call answers, then its arguments.
extension type Lent(Pointer<Void> _memory) {
  static const int _view = 16;

  /// Bytes in front of the arguments.
  static final int fixed = _view + sizeOf<TvmPluginTensorView>();

  /// Where an error goes.
  Pointer<Pointer<TvmPluginError>> get error => _memory.cast();

  /// Where a result goes: a pointer or a number.
  Pointer<Void> get out => _at(8).cast();

  /// Where a view of a tensor goes.
  Pointer<TvmPluginTensorView> get view => _at(_view).cast();

  /// Where arguments go.
  Pointer<Uint8> get rest => _at(fixed);

  Pointer<Uint8> _at(int offset) => _memory.cast<Uint8>() + offset;
}

/// Writes Dart values as those of the C interface, one after the other into memory that it is given.
final class ValueEncoder {
  /// An encoder that begins at [_next], which is on an 8-byte boundary.
  ValueEncoder(this._next);

  Pointer<Uint8> _next;

  static final int _sizeOfValue = sizeOf<TvmPluginValue>();

  /// Bytes that [text] takes at most.
  static int sizeOfText(String content) =>
      sizeOf<TvmPluginBytes>() + _rounded(content.length * _bytesOfCodeUnit);

  /// Bytes that [all] takes at most.
  static int sizeOfAll(List<Object?> values) =>
      values.fold(values.length * _sizeOfValue, (size, value) => size + _sizeBehind(value));

  /// Bytes that lie outside the value itself.
  static int _sizeBehind(Object? value) => switch (value) {
    final String text => _rounded(text.length * _bytesOfCodeUnit),
    final Uint8List bytes => _rounded(bytes.length),
    final List<Object?> items => sizeOfAll(items),
    _ => 0,
  };

  /// UTF-8 takes up to three bytes for a code unit: characters of four are two units.
  static const int _bytesOfCodeUnit = 3;

  static int _rounded(int bytes) => (bytes + 7) & ~7;

  Pointer<T> _reserve<T extends NativeType>(int bytes) {
    final place = _next.cast<T>();
    _next += _rounded(bytes);
    return place;
  }

  /// Writes a text.
  Pointer<TvmPluginBytes> text(String content) {
    final place = _reserve<TvmPluginBytes>(sizeOf<TvmPluginBytes>());
    _writeBytes(utf8.encode(content), place.ref);
    return place;
  }

  /// Writes [values] side by side.
  Pointer<TvmPluginValue> all(List<Object?> values) {
    final place = _reserve<TvmPluginValue>(values.length * _sizeOfValue);
    for (final (index, value) in values.indexed) {
      _write(value, place[index]);
    }
    return place;
  }

  void _write(Object? value, TvmPluginValue place) {
    place.reserved = 0;
    switch (value) {
      case null:
        place.tag = tvmPluginTagNull;
      case final bool flag:
        place.tag = tvmPluginTagBool;
        place.as.integer = flag ? 1 : 0;
      case final int integer:
        place.tag = tvmPluginTagInt;
        place.as.integer = integer;
      case final double number:
        place.tag = tvmPluginTagFloat;
        place.as.number = number;
      case final String text:
        place.tag = tvmPluginTagString;
        _writeBytes(utf8.encode(text), place.as.bytes);
      case final Uint8List bytes:
        place.tag = tvmPluginTagBytes;
        _writeBytes(bytes, place.as.bytes);
      case final Ticket ticket:
        place.tag = tvmPluginTagTicket;
        place.as.integer = ticket.number;
      case final List<Object?> items:
        place.tag = tvmPluginTagList;
        place.as.list.count = items.length;
        place.as.list.items = all(items);
      default:
        throw ArgumentError('a plugin takes no ${value.runtimeType}');
    }
  }

  void _writeBytes(Uint8List bytes, TvmPluginBytes place) {
    final copy = _reserve<Uint8>(bytes.length);
    copy.asTypedList(bytes.length).setAll(0, bytes);
    place.data = copy;
    place.size = bytes.length;
  }
}

/// Reads a value; nothing of it is kept.
Object? decode(TvmPluginValue value) => switch (value.tag) {
  tvmPluginTagNull => null,
  tvmPluginTagBool => value.as.integer != 0,
  tvmPluginTagInt => value.as.integer,
  tvmPluginTagFloat => value.as.number,
  tvmPluginTagString => decodeText(value.as.bytes),
  tvmPluginTagBytes => _copyOf(value.as.bytes),
  tvmPluginTagTicket => Ticket(value.as.integer),
  tvmPluginTagList => [
    for (var index = 0; index < value.as.list.count; index++) decode(value.as.list.items[index]),
  ],
  final tag => throw TvmException(
    TvmErrorCode.invalid,
    'a value has the unknown tag $tag',
    'Build the plugin and tvm_runtime_flutter from one template version',
  ),
};

/// Reads a text.
String decodeText(TvmPluginBytes text) =>
    text.size == 0 ? '' : utf8.decode(text.data.asTypedList(text.size));

Uint8List _copyOf(TvmPluginBytes bytes) =>
    bytes.size == 0 ? Uint8List(0) : Uint8List.fromList(bytes.data.asTypedList(bytes.size));
