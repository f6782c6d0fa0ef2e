// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:async';
import 'dart:isolate';
import 'dart:typed_data';

import 'codec.dart';
import 'errors.dart';
import 'mailbox.dart';
import 'tensor.dart';
import 'worker.dart';

/// The owner's side of a worker: requests go out in order, answers complete their futures.
final class Connection {
  Connection._(this._name, this._mailbox);

  /// Starts a worker that opens a component of a plugin, or its model where [component] is null.
  ///
  /// Throws a [TvmException].
  static Future<Connection> open({
    required String name,
    required String prefix,
    required String library,
    required NativePlugin plugin,
    String? component,
  }) async {
    final connection = Connection._(name, Mailbox.open(plugin));
    try {
      await connection._start((
        library: library,
        prefix: prefix,
        component: component,
        mailbox: connection._mailbox.number,
        owner: Isolate.current,
        answers: connection._answers.sendPort,
      ));
    } on Object {
      connection._end();
      rethrow;
    }
    return connection;
  }

  /// The isolate that answers, from when it is open: what a hot restart kills, and so do tests.
  late final Isolate worker;

  static final Finalizer<Connection> _forgotten = Finalizer(
    (connection) => unawaited(connection.close()),
  );

  final String _name;
  final Mailbox _mailbox;
  late final RawReceivePort _answers = RawReceivePort(_receive);
  late final RawReceivePort _exit = RawReceivePort((_) => _lost());
  final Completer<SendPort> _opened = Completer();
  final Completer<void> _ended = Completer();
  final Map<int, _Pending> _pending = {};
  late final SendPort _requests;
  int _sent = 0;
  String? _error;

  /// Whether [close] was called.
  bool get isClosed => _isClosed;
  bool _isClosed = false;

  Future<void> _start(WorkerSetup setup) async {
    worker = await Isolate.spawn(
      work,
      setup,
      onExit: _exit.sendPort,
      onError: _answers.sendPort,
      debugName: _name,
    );
    _requests = await _opened.future;
    _stayAlive();
  }

  /// Calls a [method], or runs the component. Tensors stay tensors on this side.
  ///
  /// Throws a [TvmException].
  Future<Object?> call(String method, List<Object?> arguments) {
    if (_isClosed) throw _closed();
    if (_ended.isCompleted) throw _lostWorker();
    final pending = _Pending(arguments);
    final number = _sent++;
    final List<Object?> packed;
    try {
      packed = [for (final argument in arguments) _pack(argument, pending)];
    } on Object {
      pending.owned.forEach(_mailbox.free);
      rethrow;
    }
    _pending[number] = pending;
    _stayAlive();
    _requests.send((number, method, packed));
    return pending.result.future;
  }

  /// A tensor of zeros that a call takes without a copy.
  ///
  /// Throws a [TvmException].
  TvmTensor allocate(TvmDtype dtype, List<int> shape) {
    if (_isClosed) throw _closed();
    return _mailbox.allocate(dtype, shape);
  }

  /// Closes the connection when nothing refers to [owner] any more.
  void closeWith(Object owner) => _forgotten.attach(owner, this, detach: this);

  /// Ends the worker after the calls that were made before. Any number of times.
  Future<void> close() {
    _forgotten.detach(this);
    if (!_isClosed) {
      _isClosed = true;
      if (!_ended.isCompleted) {
        _stayAlive();
        _requests.send(endOfRequests);
      }
    }
    return _ended.future;
  }

  /// A value as it is sent, made of plain lists: an author's own kind of list may hold anything.
  Object? _pack(Object? value, _Pending pending) {
    switch (value) {
      case final TvmTensor tensor:
        final (:ticket, :owned) = _mailbox.put(tensor);
        if (owned) pending.owned.add(ticket);
        return ticket;
      case final Uint8List bytes:
        return bytes;
      case final List<Object?> items:
        return [for (final item in items) _pack(item, pending)];
      default:
        return value;
    }
  }

  Object? _unpack(Object? value) => switch (value) {
    final Ticket ticket => _mailbox.take(ticket),
    final List<Object?> items when _holdsTickets(items) => items.map(_unpack).toList(),
    _ => value,
  };

  static bool _holdsTickets(Object? value) =>
      value is Ticket ||
      (value is List<Object?> && value is! Uint8List && value.any(_holdsTickets));

  void _receive(Object? message) {
    switch (message) {
      case final Answer answer:
        _complete(answer);
      case final SendPort requests:
        _opened.complete(requests);
      case final TvmException failure:
        _opened.completeError(failure);
      // What the isolate did not catch: the error and its stack, as texts.
      case [final String error, _]:
        _error = error;
    }
  }

  void _complete(Answer answer) {
    final (number, result, failure) = answer;
    final pending = _pending.remove(number)!;
    pending.owned.forEach(_mailbox.free);
    if (failure != null) {
      pending.result.completeError(failure);
    } else {
      try {
        pending.result.complete(_unpack(result));
      } on TvmException catch (failure) {
        pending.result.completeError(failure);
      }
    }
    _stayAlive();
  }

  /// The worker has ended, because it was asked to or not.
  void _lost() {
    _end();
    if (!_opened.isCompleted) _opened.completeError(_lostWorker());
    for (final pending in _pending.values) {
      pending.result.completeError(_lostWorker());
    }
    _pending.clear();
  }

  void _end() {
    _answers.close();
    _exit.close();
    _mailbox.close();
    if (!_ended.isCompleted) _ended.complete();
  }

  /// An open model does not keep its isolate from ending; a call that waits for its answer does.
  void _stayAlive() {
    final waits = _pending.isNotEmpty || _isClosed;
    _answers.keepIsolateAlive = waits;
    _exit.keepIsolateAlive = waits;
  }

  TvmException _closed() =>
      TvmException(TvmErrorCode.closed, '$_name was closed before this call', 'Open it again');

  TvmException _lostWorker() => TvmException(
    TvmErrorCode.worker,
    'the isolate of $_name ended before it answered${_error == null ? '' : ': $_error'}',
    'Close $_name and open it again',
  );
}

/// A call that waits for its answer.
final class _Pending {
  _Pending(this.arguments);

  /// Held until then: a tensor that a plugin returned is not copied for a call, but lent to it.
  final List<Object?> arguments;

  /// Tickets that are freed after the call.
  final List<Ticket> owned = [];

  final Completer<Object?> result = Completer();
}
