"""flutter_tester, run on a project whose tests are known to pass, fail, crash and hang."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dart.sample import LIBRARY, PUBSPEC
from tools import flutter_test, packages
from tools.__main__ import main
from tools.flutter_test import Case, Outcome
from tools.toolchain import Toolchain
from tvmplug.errors import ProjectError

pytestmark = pytest.mark.slow

OUTCOMES = """\
import 'dart:io';
import 'dart:isolate';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:sample/sample.dart';

void main() {
  test('passes', () => expect(answer, 42));
  test('fails', () => expect(answer, 41));
  test('fails late', () async {
    await Future<void>.delayed(const Duration(milliseconds: 1));
    throw StateError('too late');
  });
  test('waits for an isolate', () async => expect(await Isolate.run(() => 6 * 7), 42));
  test('is skipped', () {}, skip: 'no model');
  test('skips itself', () => markTestSkipped('no sound'));
  test('sees its surroundings', () {
    expect(Platform.environment['SAMPLE'], 'yes');
    expect(File('pubspec.yaml').existsSync(), isTrue);
  });
  group('after a broken set-up', () {
    setUpAll(() => throw StateError('no set-up'));
    test('nothing runs', () {});
  });
  testWidgets('a widget', (WidgetTester tester) async {
    await tester.pumpWidget(const MaterialApp(home: Text('hello')));
    expect(find.text('hello'), findsOneWidget);
  });
  testWidgets('an asset', (WidgetTester tester) async {
    expect(await rootBundle.loadString('texts/asset.txt'), 'text');
    final AssetManifest assets = await AssetManifest.loadFromAssetBundle(rootBundle);
    expect(assets.listAssets(), <String>['texts/asset.txt']);
  });
  testWidgets('a wrong widget', (WidgetTester tester) async {
    await tester.pumpWidget(const MaterialApp(home: Text('hello')));
    expect(find.text('goodbye'), findsOneWidget);
  });
}
"""
CRASH = "Pointer<Int32>.fromAddress(8).value = 1"
CRASHES = f"""\
import 'dart:ffi';

import 'package:flutter_test/flutter_test.dart';

void main() {{
  test('passes', () {{}});
  test('crashes', () => {CRASH});
  test('never runs', () {{}});
}}
"""
ENDS = """\
import 'dart:io';

import 'package:flutter_test/flutter_test.dart';

void main() {
  test('ends the process', () => exit(0));
}
"""
HANGS = """\
import 'package:flutter_test/flutter_test.dart';

void main() {
  test('hangs', () {
    while (true) {}
  });
}
"""
NOT_DART = """\
import 'package:flutter_test/flutter_test.dart';

void main() {
  test('does not compile', () => missing());
}
"""
CONFIG = """\
import 'dart:async';

import 'package:flutter_test/flutter_test.dart';

Future<void> testExecutable(FutureOr<void> Function() testMain) async {
  setUpAll(() => print('configured'));
  await testMain();
}
"""


@pytest.fixture(scope="module")
def project(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    files = {
        "pubspec.yaml": f"{PUBSPEC}flutter:\n  assets:\n    - texts/\n",
        "lib/sample.dart": LIBRARY,
        "texts/asset.txt": "text",
        "test/outcomes_test.dart": OUTCOMES,
        "test/crashes_test.dart": CRASHES,
        "test/ends_test.dart": ENDS,
        "test/hangs_test.dart": HANGS,
        "configured/flutter_test_config.dart": CONFIG,
        "configured/passes_test.dart": CRASHES.replace(CRASH, "{}"),
        "broken/broken_test.dart": NOT_DART,
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    packages.write_config(folder, toolchain)
    return folder


@pytest.fixture(scope="module")
def ran(toolchain: Toolchain, project: Path) -> dict[str, Case]:
    """Every test of the project by `file: name`, all files run by one call."""
    result = flutter_test.run(toolchain, project, env={"SAMPLE": "yes"}, timeout_s=8, resolve=False)
    return {f"{Path(test.file).stem}: {test.name}": test for test in result.tests}


@pytest.mark.parametrize(
    ("test", "outcome", "reason"),
    [
        ("outcomes_test: passes", Outcome.PASSED, ""),
        ("outcomes_test: fails", Outcome.FAILED, "Expected: <41>\n  Actual: <42>"),
        ("outcomes_test: fails late", Outcome.FAILED, "Bad state: too late"),
        ("outcomes_test: waits for an isolate", Outcome.PASSED, ""),
        ("outcomes_test: is skipped", Outcome.SKIPPED, "no model"),
        ("outcomes_test: skips itself", Outcome.SKIPPED, "no sound"),
        ("outcomes_test: sees its surroundings", Outcome.PASSED, ""),
        ("outcomes_test: after a broken set-up (setUpAll)", Outcome.FAILED, "no set-up"),
        ("outcomes_test: a widget", Outcome.PASSED, ""),
        ("outcomes_test: an asset", Outcome.PASSED, ""),
        ("outcomes_test: a wrong widget", Outcome.FAILED, "a wrong widget"),
        ("crashes_test: passes", Outcome.PASSED, ""),
        ("crashes_test: crashes", Outcome.FAILED, "the process died of SIGSEGV"),
        ("ends_test: ends the process", Outcome.FAILED, "ended with exit status 0"),
        ("hangs_test: hangs", Outcome.FAILED, "took longer than 8 s"),
    ],
)
def test_every_test_gets_its_outcome_and_reason(
    ran: dict[str, Case], test: str, outcome: Outcome, reason: str
) -> None:
    assert ran[test].outcome is outcome
    assert reason in ran[test].reason


def test_nothing_else_is_reported(ran: dict[str, Case]) -> None:
    assert len(ran) == 15


def test_a_file_that_does_not_compile_is_a_failure(toolchain: Toolchain, project: Path) -> None:
    broken = project / "broken/broken_test.dart"
    result = flutter_test.run(toolchain, project, [broken], resolve=False)
    assert (result.passed, result.failed) == (0, 1)
    assert "broken_test.dart:4:34: Error: Method not found: 'missing'" in result.failures[0].reason
    assert not result.ok


def test_tests_are_wrapped_by_their_folders_configuration(
    toolchain: Toolchain, project: Path
) -> None:
    passing = project / "configured/passes_test.dart"
    result = flutter_test.run(toolchain, project, [passing], resolve=False)
    assert result.ok, result.explain()
    assert result.passed == 3
    assert "configured" in result.output


def test_a_killed_run_leaves_no_process(project: Path) -> None:
    hanging = project / "test/hangs_test.dart"
    command = [sys.executable, "-m", "tools", "test", project, hanging]

    def testers() -> list[Path]:
        lines = {path: _read(path) for path in Path("/proc").glob("[0-9]*/cmdline")}
        packages = f"--packages={project}".encode()
        return [
            path for path, line in lines.items() if b"flutter_tester" in line and packages in line
        ]

    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as run:
        _wait_until(testers)
        run.kill()
    _wait_until(lambda: not testers())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # the process has ended


def _wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_project_without_tests_is_an_error(toolchain: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "pubspec.yaml").write_text(PUBSPEC)
    with pytest.raises(ProjectError, match="has no test"):
        flutter_test.run(toolchain, tmp_path)


def test_the_command_says_what_failed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passing, crashing = "configured/passes_test.dart", "test/crashes_test.dart"
    assert main(["test", str(project), str(project / passing)]) == 0
    assert main(["test", str(project), str(project / crashing)]) == 1
    printed = capsys.readouterr()
    assert "failed  test/crashes_test.dart: crashes" in printed.out
    assert "1 passed, 1 failed, 0 skipped" in printed.err
