"""The one function that starts programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import run


def test_the_command_is_printed_before_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    done = run([sys.executable, "-c", "print('a b')"])
    assert done.stdout == "a b\n"
    assert f"$ {sys.executable} -c" in capsys.readouterr().err


def test_a_failure_carries_the_last_lines_of_output() -> None:
    script = "import sys\nfor i in range(100): print('line', i)\nsys.exit(3)"
    with pytest.raises(ProcessError, match="exit status 3") as caught:
        run([sys.executable, "-c", script], echo=False)
    assert caught.value.output.splitlines()[0] == "line 80"
    assert caught.value.output.endswith("line 99")
    assert caught.value.returncode == 3


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ProcessError, match=r"within 0\.3 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], echo=False, timeout_s=0.3)


def test_a_missing_program_is_named_with_the_mend() -> None:
    with pytest.raises(ToolError, match="no-such-tool is not installed") as caught:
        run(["no-such-tool"], echo=False)
    assert caught.value.mend is not None
    assert "Install no-such-tool" in caught.value.mend


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no such folder"):
        run([sys.executable, "--version"], cwd=tmp_path / "gone", echo=False)
