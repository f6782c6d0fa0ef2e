// Runs the tests of one file inside flutter_tester and writes what became of each, one JSON
// object a line, to the file that TVMPLUG_TEST_REPORT names. `tools/flutter_test.py` generates
// a main that calls it.
//
// It stands in for package:test's runner, which Debian does not package: the tests declare
// themselves to the Declarer found in their zone, as with that runner.
// ignore_for_file: implementation_imports
library;

import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:test_api/scaffolding.dart' show Timeout;
import 'package:test_api/src/backend/declarer.dart';
import 'package:test_api/src/backend/group.dart';
import 'package:test_api/src/backend/group_entry.dart';
import 'package:test_api/src/backend/invoker.dart';
import 'package:test_api/src/backend/live_test.dart';
import 'package:test_api/src/backend/message.dart';
import 'package:test_api/src/backend/metadata.dart';
import 'package:test_api/src/backend/operating_system.dart';
import 'package:test_api/src/backend/runtime.dart';
import 'package:test_api/src/backend/state.dart';
import 'package:test_api/src/backend/suite.dart';
import 'package:test_api/src/backend/suite_platform.dart';
import 'package:test_api/src/backend/test.dart';

/// Runs the tests that [declarations] holds for the file TVMPLUG_TEST_FILE, then ends the process.
void runChosenFile(Map<String, FutureOr<void> Function()> declarations) {
  final String file = Platform.environment['TVMPLUG_TEST_FILE']!;
  Invoker.guard<Future<void>>(() async {
    final run = _Run(File(Platform.environment['TVMPLUG_TEST_REPORT']!));
    try {
      await run.file(file, declarations[file]!);
    } on Object catch (error, trace) {
      run.report('result', '(declaring the tests)', <String, Object?>{
        'outcome': 'failed',
        'reason': '$error\n$trace',
      });
    }
    run.report('done', '', const <String, Object?>{});
    // flutter_tester would wait for more.
    exit(0);
  });
}

class _Run {
  _Run(this._report);

  final File _report;
  late final Suite _suite;

  Future<void> file(String path, FutureOr<void> Function() declare) async {
    final declarer = Declarer(
      // What package:test gives a test that asks for nothing else.
      metadata: Metadata(timeout: const Timeout(Duration(seconds: 30))),
    );
    await declarer.declare(declare);
    final Group declared = declarer.build();
    final platform = SuitePlatform(Runtime.vm, os: OperatingSystem.linux);
    // Leaves out what is declared for other platforms.
    final Group? all = declared.forPlatform(platform);
    if (all == null) {
      return;
    }
    _suite = Suite(all, platform, path: path);
    await runZoned(
      () => _group(all, <Group>[]),
      zoneValues: <Object, Object>{#test.declarer: declarer},
    );
  }

  Future<void> _group(Group group, List<Group> parents) async {
    final path = <Group>[...parents, group];
    final bool skipped = group.metadata.skip;
    var ready = true;
    if (!skipped && group.setUpAll != null) {
      ready = await _test(group.setUpAll!, path, scaffold: true);
    }
    if (ready) {
      for (final GroupEntry entry in group.entries) {
        if (entry is Group) {
          await _group(entry, path);
        } else if (entry is Test && entry.metadata.skip) {
          report('result', entry.name, <String, Object?>{
            'outcome': 'skipped',
            'reason': entry.metadata.skipReason ?? '',
          });
        } else if (entry is Test) {
          await _test(entry, path);
        }
      }
    }
    if (!skipped && group.tearDownAll != null) {
      await _test(group.tearDownAll!, path, scaffold: true);
    }
  }

  /// Runs one test; a [scaffold] (set-up or tear-down of a group) is told of when it fails only.
  Future<bool> _test(Test test, List<Group> groups, {bool scaffold = false}) async {
    final LiveTest live = test.load(_suite, groups: groups);
    final skips = <String>[];
    live.onMessage.listen((Message message) {
      if (message.type == MessageType.skip) {
        skips.add(message.text.replaceFirst('Skip: ', ''));
      } else {
        stdout.writeln(message.text);
      }
    });
    report('start', test.name, const <String, Object?>{});
    await live.run();
    final Result result = live.state.result;
    if (!scaffold || !result.isPassing) {
      final String outcome = switch (result) {
        Result.success => 'passed',
        Result.skipped => 'skipped',
        Result.failure || Result.error => 'failed',
      };
      final Iterable<String> errors = live.errors.map(
        (AsyncError error) => '${error.error}\n${error.stackTrace}',
      );
      report('result', test.name, <String, Object?>{
        'outcome': outcome,
        'reason': (errors.isEmpty ? skips : errors).join('\n'),
      });
    }
    return result.isPassing;
  }

  void report(String event, String name, Map<String, Object?> details) {
    final line = jsonEncode(<String, Object?>{'event': event, 'name': name, ...details});
    _report.writeAsStringSync('$line\n', mode: FileMode.append, flush: true);
  }
}
