"""Files written whole: what a reader sees after a failure, a kill or a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tvmplug import files
from tvmplug.errors import FileError


def test_writing_replaces_the_content_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    files.write_text(path, "one")
    path.chmod(0o640)
    files.write_text(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


_WRITE_OVER_THE_LIMIT = """
import resource, signal, sys
from pathlib import Path
from tvmplug import files
from tvmplug.errors import FileError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    files.write_bytes(Path(sys.argv[1]), b"x" * 100_000)
except FileError as error:
    sys.exit(error.exit_code)
"""


def test_a_write_that_hits_a_limit_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_text(path, "old")
    writer = subprocess.run([sys.executable, "-c", _WRITE_OVER_THE_LIMIT, path], check=False)
    assert writer.returncode == 12
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_named_with_its_mend() -> None:
    with (
        pytest.raises(FileError, match="Free some space") as caught,
        files.file_errors(Path("/a/b")),
        # /dev/full answers every write as a full disk does.
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert caught.value.exit_code == 12


def test_a_file_where_a_folder_should_be_is_an_error_with_a_mend(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(FileError, match="move it away"):
        files.write_text(tmp_path / "taken" / "file", "text")


_WRITER = """
import sys
from pathlib import Path
from tvmplug import files
print("ready", flush=True)
while True:
    for fill in (b"a", b"b"):
        files.write_bytes(Path(sys.argv[1]), fill * 300_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for attempt in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.02 + attempt * 0.007)
        writer.kill()
        writer.wait()
        if path.exists():
            content = path.read_bytes()
            assert content in (b"a" * 300_000, b"b" * 300_000)
    assert path.exists()


def test_a_tree_hash_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        files.write_text(root / "a" / "x", "1")
        files.write_text(root / "b", "2")
    os.utime(one / "b", (0, 0))
    assert files.sha256_tree(one) == files.sha256_tree(two)
    (two / "b").rename(two / "c")
    assert files.sha256_tree(one) != files.sha256_tree(two)
    ignored = files.sha256_tree(two, ignore=lambda path: path.name == "c")
    (two / "c").write_text("changed")
    assert files.sha256_tree(two, ignore=lambda path: path.name == "c") == ignored
    assert files.sha256_tree(tmp_path / "missing") == files.sha256_bytes(b"")


_HOLD = """
import sys, time
from pathlib import Path
from tvmplug import files
with files.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_refused_while_held_and_free_after_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FileError, match="in use"), files.locked(path, timeout_s=0):
        pass
    holder.kill()
    holder.wait()
    with files.locked(path, timeout_s=5):
        pass
