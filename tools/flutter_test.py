"""Run a project's Dart tests in flutter_tester, Flutter's engine without a window.

One compilation serves all test files of a project; each file runs in a process of its own, so
that one that crashes or hangs takes no other with it. The tests, the demo and
`python -m tools test` call this.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tools.assets import build_assets, has_assets
from tools.kernel import compile_test
from tools.packages import CONFIG, read_pubspec, write_config
from tools.plugins import packages_of
from tools.toolchain import Toolchain
from tvmplug.errors import ProjectError

RUNNER = Path(__file__).parent / "dart" / "runner.dart"
_FLAGS = (
    "--disable-vm-service",
    "--enable-checked-mode",
    "--verify-entry-points",
    "--enable-software-rendering",
    "--skia-deterministic-rendering",
    "--non-interactive",
    "--use-test-fonts",
    # Without it the process may end before its last test does.
    "--run-forever",
)


class Outcome(Enum):
    """What became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One test, or one thing that kept a file's tests from running.

    Attributes:
        file: The test file, relative to the project.
        name: The test's name with those of its groups.
        outcome: What became of it.
        reason: The error with its trace, or why it was skipped.
    """

    file: str
    name: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a project's tests.

    Attributes:
        tests: Every test, in the order of files and of running.
        output: What the tests and the compiler printed.
        seconds: How long it took.
    """

    tests: tuple[Case, ...]
    output: str
    seconds: float

    def _of(self, outcome: Outcome) -> tuple[Case, ...]:
        return tuple(test for test in self.tests if test.outcome is outcome)

    @property
    def passed(self) -> int:
        """How many passed."""
        return len(self._of(Outcome.PASSED))

    @property
    def failures(self) -> tuple[Case, ...]:
        """Those that failed, crashed, hung or could not be compiled."""
        return self._of(Outcome.FAILED)

    @property
    def failed(self) -> int:
        """How many failed."""
        return len(self.failures)

    @property
    def skips(self) -> tuple[Case, ...]:
        """Those that were skipped, with their reasons."""
        return self._of(Outcome.SKIPPED)

    @property
    def skipped(self) -> int:
        """How many were skipped."""
        return len(self.skips)

    @property
    def ok(self) -> bool:
        """Some test passed and none failed."""
        return self.passed > 0 and self.failed == 0

    def explain(self) -> str:
        """All failures with their reasons, and the output, for an assertion's message."""
        told = [f"{test.file}: {test.name}\n{test.reason}" for test in self.failures]
        return "\n\n".join([*told, f"{self.passed} passed, {self.failed} failed", self.output])


def run(
    toolchain: Toolchain,
    project: Path,
    tests: Sequence[Path] = (),
    *,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120,
    resolve: bool = True,
    jobs: int = 1,
) -> Result:
    """Compile and run the tests of a project.

    Args:
        toolchain: Dart and Flutter.
        project: A Dart project that depends on flutter_test; the tests run in its folder.
        tests: Test files; none for all of `test/**/*_test.dart`. They may lie outside of the
            project, which then only lends its packages.
        env: Variables for the tests.
        timeout_s: Seconds that one file may take.
        resolve: Resolve the project's dependencies first; otherwise that has been done.
        jobs: How many files to run at once.

    Returns:
        What became of every test. A file that cannot be compiled, crashes its process or takes
        too long counts as a failed test.

    Raises:
        ProjectError: The project cannot be resolved, or has no tests.
    """
    started = time.monotonic()
    project = project.resolve()
    files = [path.resolve() for path in tests] or sorted(project.glob("test/**/*_test.dart"))
    if not files:
        raise ProjectError(f"{project} has no test/**/*_test.dart")
    if resolve:
        write_config(project, toolchain)
    names = {os.path.relpath(path, project): path for path in files}
    with tempfile.TemporaryDirectory(prefix="tvmplug-test-") as name:
        scratch = Path(name)
        kernel = scratch / "tests.dill"
        (scratch / "main.dart").write_text(_main(names), encoding="utf-8")
        compiled = compile_test(toolchain, scratch / "main.dart", project / CONFIG, kernel)
        if not compiled.ok:
            broken = tuple(
                Case(file, "(compiling)", Outcome.FAILED, compiled.output) for file in names
            )
            return Result(broken, compiled.output, time.monotonic() - started)
        variables = {**os.environ, **_assets(toolchain, project, scratch), **(env or {})}
        process = _Process(toolchain, project, kernel, variables, timeout_s)
        with ThreadPoolExecutor(jobs) as pool:
            ran = list(pool.map(process.run, names))
    done = tuple(test for found, _ in ran for test in found)
    output = "".join(printed for _, printed in ran)
    return Result(done, output, time.monotonic() - started)


def _assets(toolchain: Toolchain, project: Path, scratch: Path) -> dict[str, str]:
    """Collect the assets that the tests can load; return the variable that says where they are."""
    packages = packages_of(project / CONFIG)
    if not has_assets(packages):
        return {}
    build_assets(toolchain, None, project, packages, scratch / "assets")
    return {"UNIT_TEST_ASSETS": str(scratch / "assets")}


def _main(files: Mapping[str, Path]) -> str:
    """The source of a program that can run each of these test files."""
    imports = [f"import '{RUNNER.as_uri()}';"]
    entries = []
    configs: dict[Path, str] = {}
    for number, (name, path) in enumerate(files.items()):
        imports.append(f"import '{path.as_uri()}' as test{number};")
        entry = f"test{number}.main"
        # A folder's flutter_test_config.dart wraps the tests in and below it.
        if (config := _config_above(path)) is not None:
            prefix = configs.setdefault(config, f"config{len(configs)}")
            entry = f"() => {prefix}.testExecutable({entry})"
        entries.append(f"  {json.dumps(name).replace('$', chr(92) + '$')}: {entry},")
    imports += [f"import '{path.as_uri()}' as {prefix};" for path, prefix in configs.items()]
    return "\n".join([*imports, "void main() => runChosenFile({", *entries, "});", ""])


def _config_above(test: Path) -> Path | None:
    for folder in test.parents:
        if (config := folder / "flutter_test_config.dart").is_file():
            return config
        if (folder / "pubspec.yaml").is_file():
            return None
    return None


@dataclass(frozen=True)
class _Process:
    """Runs one test file at a time in a flutter_tester of its own."""

    toolchain: Toolchain
    project: Path
    kernel: Path
    env: Mapping[str, str]
    timeout_s: float

    def run(self, file: str) -> tuple[list[Case], str]:
        """Run one file; return its tests and what it printed."""
        with tempfile.TemporaryDirectory(prefix="tvmplug-test-") as name:
            report, printed = Path(name, "report"), Path(name, "printed")
            report.touch()
            with printed.open("wb") as output:
                ended = self._wait(file, report, output.fileno())
            tests = list(read_report(file, report.read_text(encoding="utf-8"), ended))
            return tests, printed.read_text(encoding="utf-8", errors="replace")

    def _wait(self, file: str, report: Path, output: int) -> str:
        """Run the process to its end; say how it ended."""
        variables = {
            **self.env,
            "APP_NAME": str(read_pubspec(self.project).get("name")),
            "FLUTTER_TEST": "true",
            "TVMPLUG_TEST_FILE": file,
            "TVMPLUG_TEST_REPORT": str(report),
        }
        # It must not outlive this process, not even where this one is killed.
        command: list[str | Path] = ["setpriv", "--pdeathsig", "KILL"]
        command += [self.toolchain.engine / "flutter_tester", *_FLAGS]
        command += [f"--packages={self.project / CONFIG}", self.kernel]
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(self.timeout_s)
            except subprocess.TimeoutExpired:
                return f"took longer than {self.timeout_s:g} s"
            finally:
                _kill_group(process.pid)
        if code < 0:
            return f"the process died of {signal.Signals(-code).name}"
        return f"the process ended with exit status {code}"


def read_report(file: str, report: str, ended: str) -> Iterator[Case]:
    """The tests of one file, from what the runner wrote.

    Args:
        file: The test file's name.
        report: One JSON object a line.
        ended: How the process ended, for a report that is not complete.
    """
    running = "(loading)"
    done = False
    for line in report.splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            break  # the process died while writing it
        if event["event"] == "start":
            running = event["name"]
        elif event["event"] == "result":
            running = "(after the tests)"
            yield Case(file, event["name"], Outcome(event["outcome"]), event["reason"])
        else:
            done = True
    if not done:
        yield Case(file, running, Outcome.FAILED, ended)


def _kill_group(leader: int) -> None:
    """Stop a process with all that it started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
