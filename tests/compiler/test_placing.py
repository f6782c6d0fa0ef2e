from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tvmplug.compiler.placing import check_room, replacing
from tvmplug.errors import FileError

WRITER = """
import sys
from pathlib import Path
from tvmplug.compiler.placing import replacing
out = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    with replacing(out) as fresh:
        (fresh / "archive").write_text(str(number))
        (fresh / "metadata").write_text(str(number))
"""


def put(out: Path, text: str) -> None:
    with replacing(out) as fresh:
        (fresh / "file").write_text(text)


def test_a_folder_is_made_and_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "linux-x64"
    put(out, "one")
    (out / "left over").touch()
    put(out, "two")

    assert [path.name for path in out.iterdir()] == ["file"]
    assert (out / "file").read_text() == "two"
    assert list(out.parent.iterdir()) == [out]


def test_an_error_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, "old")

    def fail() -> None:
        with replacing(out) as fresh:
            (fresh / "file").write_text("half")
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        fail()

    assert (out / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_without_an_atomic_exchange_the_folder_is_still_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    out = tmp_path / "out"
    put(out, "one")
    put(out, "two")

    assert (out / "file").read_text() == "two"
    assert list(tmp_path.iterdir()) == [out]


def test_a_kill_at_any_moment_leaves_one_whole_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    chance = random.Random(0)  # noqa: S311  only spreads the moments
    for _ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, out], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.01 + chance.random() * 0.03)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert (out / "archive").read_text() == (out / "metadata").read_text()

    put(out, "last")  # and the next run sweeps up what the kills left
    assert list(tmp_path.iterdir()) == [out]


READ_ONLY = """
import os, sys
from pathlib import Path
from tvmplug.compiler.placing import replacing
if os.geteuid() == 0:  # root may write anywhere, so it becomes somebody else
    os.setgroups([])
    os.setuid(65534)
with replacing(Path(sys.argv[1]) / "out"):
    pass
"""


def test_a_read_only_folder_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, folder], capture_output=True, text=True, check=False
        )
        assert "FileError" in done.stderr
        assert "Permission denied" in done.stderr
        assert list(Path(folder).iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "build").touch()
    with pytest.raises(FileError, match="build"):
        put(tmp_path / "build" / "out", "x")


def test_room_is_checked_for_real(tmp_path: Path) -> None:
    check_room(tmp_path, 1 << 20)
    with pytest.raises(FileError, match=str(tmp_path)):
        check_room(tmp_path, 1 << 60)
    assert list(tmp_path.iterdir()) == []
