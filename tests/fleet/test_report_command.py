"""`fleet report`: the run that is meant, in the form that is meant, from a real ledger."""

from __future__ import annotations

import argparse
import json
import os

import pytest

from tests.fleet.test_report import a_run, failed, outcome
from tvmplug.commands.fleet import report as command
from tvmplug.errors import FileError, FleetError, UsageError
from tvmplug.fleet.records import Reason


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """A fleet with two runs; the second has a failure with a log, and is the current folder."""
    (tmp_path / "fleet.yaml").write_text("version: 1\n")
    a_run(tmp_path / ".fleet", [outcome("g2p_flutter")])
    run = a_run(
        tmp_path / ".fleet",
        [outcome("g2p_flutter"), failed("vad_flutter", Reason.BUILD, "cargo failed")],
    )
    for name in ("g2p_flutter", "vad_flutter"):
        log = tmp_path / ".fleet" / "logs" / str(run) / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"--- render\nthe log of {name}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tell(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(arguments))


def test_the_last_run_is_told_as_markdown_where_there_is_no_terminal(fleet, capsys):
    assert tell() == 0
    told = capsys.readouterr().out
    assert told.startswith("# Fleet run 2: 1 updated, 1 failed\n")
    assert "**vad\\_flutter**: cargo failed" in told
    assert f"`{fleet}/.fleet/logs/2/vad_flutter.log`" in told


def test_an_earlier_run_can_be_named(fleet, capsys):
    assert tell("--run", "1") == 0
    assert capsys.readouterr().out.startswith("# Fleet run 1: 1 updated\n")


def test_json_holds_the_log_of_what_failed_and_not_of_what_went_well(fleet, capsys):
    assert tell("--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [entry["log_tail"] for entry in told["repositories"]] == [
        [],
        ["--- render", "the log of vad_flutter"],
    ]


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("report.html", "<!doctype html>"),
        ("report.HTM", "<!doctype html>"),
        ("report.md", "# Fleet run 2"),
        ("report.json", '{\n  "run": 2'),
    ],
)
def test_the_name_of_the_file_says_which_form_it_has(fleet, capsys, name, beginning):
    assert tell("--output", name) == 0
    assert (fleet / name).read_text(encoding="utf-8").startswith(beginning)
    assert capsys.readouterr().out == ""


def test_a_form_can_be_given_whatever_the_file_is_called(fleet):
    assert tell("--output", "report.txt", "--format", "html") == 0
    assert "vad_flutter" in (fleet / "report.txt").read_text(encoding="utf-8")


def test_a_file_that_does_not_say_its_form_is_refused_before_anything_is_written(fleet):
    with pytest.raises(UsageError, match=r"report\.pdf does not say") as caught:
        tell("--output", "report.pdf")
    assert "--format" in caught.value.mend
    assert not (fleet / "report.pdf").exists()


def test_json_and_another_form_exclude_each_other(fleet):
    with pytest.raises(UsageError, match="exclude each other"):
        tell("--json", "--format", "html")


def test_a_run_that_was_never_made_is_told_with_the_last_one(fleet):
    with pytest.raises(UsageError, match="there is no run 7") as caught:
        tell("--run", "7")
    assert caught.value.mend == "The last one is 2"


def test_a_fleet_without_a_run_says_how_to_begin_one_and_makes_nothing(tmp_path):
    (tmp_path / "fleet.yaml").write_text("version: 1\n")
    with pytest.raises(FleetError, match="has no run yet") as caught:
        tell("--fleet", str(tmp_path))
    assert "tvmplug fleet update" in caught.value.mend
    assert os.listdir(tmp_path) == ["fleet.yaml"]  # noqa: PTH208 (names alone)


def test_a_folder_that_cannot_be_written_is_told(fleet):
    (fleet / "a_file").write_text("")
    with pytest.raises(FileError, match="a_file"):
        tell("--output", "a_file/report.html")


def test_a_run_that_goes_on_can_be_looked_at(tmp_path, capsys):
    (tmp_path / "fleet.yaml").write_text("version: 1\n")
    a_run(tmp_path / ".fleet", [outcome("g2p_flutter"), "vad_flutter"], finish=False)
    assert tell("--fleet", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"updated": 1, "queued": 1}
