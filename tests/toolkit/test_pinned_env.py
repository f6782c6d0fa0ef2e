"""Environments from locks with hashes: real venvs, real pip, a wheel made here, no network."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tvmplug import bootstrap, pinned_env
from tvmplug.errors import FileError, ToolError

pytestmark = pytest.mark.slow

WHEEL = "tinypin-1.0-py3-none-any.whl"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel; pip's configuration is told to look nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "tinypin-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tinypin.py", "VALUE = 7\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypin\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{info}/RECORD", f"tinypin.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def lock(wheels: Path, tmp_path: Path) -> Path:
    digest = hashlib.sha256((wheels / WHEEL).read_bytes()).hexdigest()
    path = tmp_path / "lock.txt"
    path.write_text(f"# a comment\ntinypin==1.0 \\\n    --hash=sha256:{digest}\n")
    return path


def _value(python: Path) -> str:
    told = subprocess.run(
        [python, "-c", "import tinypin; print(tinypin.VALUE)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told.stdout.strip()


def test_an_environment_is_made_once_and_its_key_is_what_it_holds(
    lock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    python = pinned_env.ensure_environment("tiny", [lock])
    assert _value(python) == "7"
    told = capfd.readouterr().err
    assert "making the tiny environment (once; 1 packages)" in told

    started = time.monotonic()
    assert pinned_env.ensure_environment("tiny", [lock]) == python
    assert time.monotonic() - started < 0.2
    assert capfd.readouterr().err == ""

    commented = tmp_path / "commented.txt"
    commented.write_text("# other words\n\n" + lock.read_text())
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing to add\n")
    assert pinned_env.environment_dir("tiny", [commented, empty]) == python.parents[1]
    commented.write_text(lock.read_text().replace("1.0", "1.1"))
    assert pinned_env.environment_dir("tiny", [commented]) != python.parents[1]


def test_processes_that_need_one_environment_at_once_share_one_making(lock: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tvmplug.pinned_env import ensure_environment;"
        "print(ensure_environment('tiny', [Path(sys.argv[1])]))"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(lock)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    told = [racer.communicate(timeout=120) for racer in racers]
    assert len({out for out, _ in told}) == 1
    assert sum("made in" in err for _, err in told) == 1
    assert _value(Path(told[0][0].strip())) == "7"


def test_a_making_that_was_killed_is_made_anew(lock: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tvmplug.pinned_env import ensure_environment;"
        "ensure_environment('tiny', [Path(sys.argv[1])])"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(1.0)
    # The process alone: what it started lives on, as after a kill by the system.
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    environment = pinned_env.environment_dir("tiny", [lock])
    assert pinned_env.environment_python(environment) is None
    assert _value(pinned_env.ensure_environment("tiny", [lock])) == "7"


def test_what_pip_refuses_is_one_line_with_a_mend_and_no_environment(
    wheels: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"tinypin==1.0 --hash=sha256:{'0' * 64}\n")
    bare = tmp_path / "bare.txt"
    bare.write_text("tinypin==1.0\n")
    for path, says in ((wrong, "hash"), (bare, "hash")):
        with pytest.raises(ToolError) as caught:
            pinned_env.ensure_environment("tiny", [path])
        assert says in caught.value.message.lower()
        assert "\n" not in str(caught.value)
        assert caught.value.mend
        assert pinned_env.environment_python(pinned_env.environment_dir("tiny", [path])) is None


def test_a_cache_that_cannot_be_written_is_a_file_error(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(file / "cache"))
    with pytest.raises(FileError, match="TVMPLUG_CACHE_DIR"):
        pinned_env.ensure_environment("tiny", [lock])


def test_the_launcher_in_the_cache_runs_the_toolkit_without_its_template(
    own_cache: Path, tmp_path: Path
) -> None:
    """What the hooks leave behind, with nothing of this checkout on its path."""
    source = bootstrap.ensure_source()
    assert source.parent == own_cache / "toolkit"
    assert not list(source.rglob("__pycache__"))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TVMPLUG_CACHE_DIR": str(own_cache)}
    # The packages of this environment stand in for those of the toolkit's lock.
    environ["TVMPLUG_TOOLKIT_PYTHON"] = sys.executable
    done = subprocess.run(
        [own_cache / "bin" / "tvmplug", "registry", "check"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.startswith("error: the registry is not on this machine")
    assert bootstrap.ensure_source() == source
