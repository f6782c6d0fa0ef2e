"""`tvmplug runtime` shows, refuses and removes; building and importing have tests of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tvmplug import cli
from tvmplug.runtime.store import imported_dir, write_record
from tvmplug.targets import target_named


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def imported() -> Path:
    """An imported runtime, as far as the cache's own record goes."""
    folder = imported_dir(target_named("ios"))
    folder.mkdir(parents=True)
    (folder / "libtvm_runtime.a").write_bytes(b"!<arch>\n" * 250_000)
    write_record(
        folder,
        origin="imported",
        toolchain="the author's own",
        proof_only=False,
        archives=["libtvm_runtime.a"],
    )
    return folder


def test_an_empty_cache_says_how_to_fill_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runtime", "list"]) == 0
    assert capsys.readouterr().out == "no runtime yet: run `tvmplug runtime build`\n"


def test_list_shows_what_there_is(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runtime", "list"]) == 0
    told = capsys.readouterr().out.split()
    assert [word for word in told if word in ("ios", "imported", "2.00", "MB")] == [
        *("ios", "imported", "2.00", "MB")
    ]


def test_list_prints_json(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runtime", "list", "--json", "--target", "ios,macos"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runtimes"]
    assert (row["target"], row["origin"], row["folder"]) == ("ios", "imported", str(imported))
    assert row["sizes"] == {"libtvm_runtime.a": 2_000_000}


def test_list_keeps_to_the_targets_that_are_asked_for(
    imported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["runtime", "list", "--json", "--target", "macos"]) == 0
    assert json.loads(capsys.readouterr().out)["runtimes"] == []


def test_remove_takes_it_out(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runtime", "remove", "--target", "ios"]) == 0
    assert capsys.readouterr().out == f"removed {imported}\n"
    assert not imported.exists()
    assert cli.main(["runtime", "remove"]) == 0
    assert capsys.readouterr().out == "there is none\n"


def test_a_damaged_record_is_one_line(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (imported / "runtime.json").write_text("{}")
    assert cli.main(["runtime", "list"]) == 8
    assert f"Delete {imported}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "--with", "disco"], "there is no part 'disco'. Use one of: byoc, kv-cache"),
        (["build", "--target", "amiga"], "there is no target 'amiga'"),
    ],
)
def test_what_there_is_not_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["runtime", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has its NDK in another place")
def test_a_missing_compiler_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_LATEST_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cli.main(["runtime", "build", "--target", "android-arm64"]) == 10
    assert "set ANDROID_NDK_HOME to its folder" in capsys.readouterr().err
