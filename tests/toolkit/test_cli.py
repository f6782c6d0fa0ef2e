"""The command line as a user meets it: help, exit codes, one line for an error, JSON."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvmplug import __version__, cli, output

Tvmplug = Callable[..., Any]


def test_the_help_lists_every_command_but_the_hooks_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    told = {words[0] for words in lines if len(words) > 2}
    assert set(cli.COMMANDS) - cli.HIDDEN <= told
    assert "hook" not in told


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_has_help_of_its_own(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([command, "--help"])
    assert left.value.code == 0
    assert f"usage: tvmplug {command}" in capsys.readouterr().out


def test_the_version_is_told(tvmplug: Tvmplug) -> None:
    assert tvmplug("--version").stdout == f"tvmplug {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["nonsense"], 2, "invalid choice: 'nonsense'"),
        (["build", "--nonsense"], 2, "--nonsense"),
        (["registry"], 2, "ACTION"),
        (["build", "--target", "amiga"], 2, "no target 'amiga'"),
        (["build", "--target", "windows-x64"], 2, "cannot be built yet"),
        (["build", "--target", "ios,windows-x64"], 2, "cannot be built yet"),
        (["build", "--target", "ios-metal"], 2, "is compiled, not linked"),
        (["compile", "--target", "macos-metal"], 2, "no target 'macos-metal'"),
        (["compile", "--target", "macos"], 2, "stands for several targets"),
        (["check", "--with", "."], 2, "goes with --link only"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    model: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, says: str
) -> None:
    option = ["--project", str(model)] if argv[0] in ("build", "compile") else []
    assert cli.main([*argv, *option]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    assert says in told.err


def test_outside_of_a_plugin_the_error_says_where_to_go(tvmplug: Tvmplug, tmp_path: Path) -> None:
    done = tvmplug("build", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stderr.startswith("error: neither ")
    assert "--project" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_plugin_is_found_from_a_folder_inside_it(
    model: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    done = tvmplug("registry", "add", cwd=model / "rust")
    assert done.returncode == 0, done.stderr
    assert "g2p_flutter: registered with g2p_" in done.stdout
    assert "prefix: g2p_" in (runtime / "tvm_plugins.yaml").read_text()


def test_an_error_is_json_when_json_is_asked_for(tvmplug: Tvmplug, tmp_path: Path) -> None:
    done = tvmplug("check", "--json", "--project", tmp_path)
    error = json.loads(done.stdout)["error"]
    assert done.returncode == error["exit_code"] == 5
    assert error["kind"] == "ProjectError"
    assert str(tmp_path) in error["message"]
    assert error["mend"]


def test_only_debug_shows_a_traceback(tvmplug: Tvmplug, tmp_path: Path) -> None:
    for argv in (["--debug", "check"], ["check", "--debug"]):
        assert "Traceback" in tvmplug(*argv, cwd=tmp_path).stderr
    assert "Traceback" not in tvmplug("check", cwd=tmp_path).stderr


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_json_comes_out_in_any_encoding_whatever_a_file_is_called(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("größe.md", os.fsdecode(b"\xff.md")):
        told = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr("sys.stdout", told)
        output.emit_json({"path": name})
        told.seek(0)
        assert json.load(told) == {"path": name}


@pytest.mark.slow
def test_the_registry_commands_do_what_they_say(
    model: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    path = runtime / "tvm_plugins.yaml"
    where = ("--registry", runtime)
    assert tvmplug("registry", "add", "vad_flutter", "vad_", *where).returncode == 0
    again = tvmplug("registry", "add", "vad_flutter", "vad_", "--json", *where)
    assert json.loads(again.stdout)["changed"] is False
    taken = tvmplug("registry", "add", "other_flutter", "vad_x_", *where)
    assert taken.returncode == 4
    assert f"vad_flutter holds vad_, and vad_x_ begins with vad_ ({path}:" in taken.stderr
    listed = tvmplug("registry", "list", "--json", cwd=model)
    assert json.loads(listed.stdout)["plugins"] == {"vad_flutter": "vad_"}
    assert tvmplug("registry", "check", TVMPLUG_REGISTRY=str(path)).returncode == 0
    assert tvmplug("registry", "remove", "vad_flutter", *where).returncode == 0
    assert json.loads(tvmplug("registry", "list", "--json", *where).stdout)["plugins"] == {}


def test_doctor_finds_the_pinned_compiler_and_says_what_to_do_without_cargo(
    tvmplug: Tvmplug, tmp_path: Path
) -> None:
    done = tvmplug("doctor", "--json", cwd=tmp_path, PATH=str(tmp_path))
    rows = {row["name"]: row for row in json.loads(done.stdout)["findings"]}
    assert done.returncode == 10
    assert rows["compile environment"]["detail"].startswith("TVM 0.27.0.post1")
    assert rows["cargo"]["status"] == "failed"
    assert "Rust" in rows["cargo"]["mend"]
    assert rows["Flutter"]["status"] == "skipped"


def test_doctor_refuses_a_cargo_older_than_the_pin(tvmplug: Tvmplug, tmp_path: Path) -> None:
    old = tmp_path / "cargo"
    old.write_text("#!/bin/sh\necho cargo 1.60.0\n")
    old.chmod(0o755)
    done = tvmplug("doctor", "--json", cwd=tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin")
    rows = {row["name"]: row for row in json.loads(done.stdout)["findings"]}
    assert rows["cargo"]["status"] == "failed"
    assert "1.60.0 is older than" in rows["cargo"]["detail"]
