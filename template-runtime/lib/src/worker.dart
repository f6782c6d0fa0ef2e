// Owned by the template: `copier update` may rewrite it, do not edit.

/// The isolate behind an open model or session: it waits for requests and answers them in order.
library;

import 'dart:async';
import 'dart:isolate';

import 'errors.dart';
import 'library.dart';
import 'mailbox.dart';

/// What a worker starts with. Numbers and ports only: a pointer in a message would dangle or leak
/// when one of the isolates is killed.
typedef WorkerSetup = ({
  String library,
  String prefix,
  String? component,
  int mailbox,
  Isolate owner,
  SendPort answers,
});

/// A call: the number that its answer will bear, the method, and arguments with tickets for tensors.
typedef Request = (int number, String method, List<Object?> arguments);

/// The answer to a request: a result with tickets for tensors, or what went wrong.
typedef Answer = (int number, Object? result, TvmException? failure);

/// The message that ends a worker, after the requests before it.
const String endOfRequests = 'end';

/// How long the owner may take to confirm that it is there, until the worker looks for itself.
const Duration _patience = Duration(seconds: 1);

/// The body of the isolate.
void work(WorkerSetup setup) {
  final plugin = NativePlugin(openAgain(setup.library), setup.prefix);
  final requests = RawReceivePort();
  try {
    final mailbox = Mailbox.join(plugin, setup.mailbox);
    _endWithOwner(setup, plugin);
    mailbox.start(setup.component);
    requests.handler = (Object? message) => switch (message) {
      final Request request => setup.answers.send(_answer(mailbox, request)),
      // The finalizer of `mailbox` lets go of it, as whenever an isolate ends.
      _ => Isolate.exit(),
    };
    setup.answers.send(requests.sendPort);
  } on TvmException catch (failure) {
    Isolate.exit(setup.answers, failure);
  }
}

Answer _answer(Mailbox mailbox, Request request) {
  final (number, method, arguments) = request;
  try {
    return (number, mailbox.call(method, arguments), null);
  } on TvmException catch (failure) {
    return (number, null, failure);
  }
}

/// Ends this isolate when its owner has ended.
///
/// The owner's exit is reported to those that asked for it before. Whether the question came in time
/// is known when the owner answers a ping that was sent after it. An owner that is busy for long
/// answers late; one that has ended holds the mailbox no more.
void _endWithOwner(WorkerSetup setup, NativePlugin plugin) {
  final ended = RawReceivePort((_) => Isolate.exit());
  setup.owner.addOnExitListener(ended.sendPort);
  final answered = RawReceivePort();
  final waiting = Timer.periodic(_patience, (_) {
    try {
      Mailbox.join(plugin, setup.mailbox).close();
    } on TvmException {
      Isolate.exit();
    }
  });
  answered.handler = (_) {
    waiting.cancel();
    answered.close();
  };
  setup.owner.ping(answered.sendPort, priority: Isolate.immediate);
}
