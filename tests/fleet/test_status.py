"""How the repositories of a fleet stand, and what does not go together."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from tests.fleet.small import make_fleet, make_project, release
from tests.templates.conftest import commit, git, update
from tvmplug import output
from tvmplug.commands.fleet import add, init, status
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.records import Outcome, Reason, Result

BRANCH = "tvmplug/update"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of three at v0.1.0, and a template that is at v0.2.0 by now."""
    folder = tmp_path_factory.mktemp("made") / "team"
    make_fleet(folder, 2)
    release(folder / "template", "v0.2.0", tvm="0.28.0")
    return folder


@pytest.fixture
def team(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that fleet, whose plugins record the one template."""
    folder = tmp_path / "team"
    folder.mkdir()
    for path in made.iterdir():
        if path.name not in ("template", ".fleet"):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, folder / path.name, **({"symlinks": True} if path.is_dir() else {}))
    monkeypatch.chdir(folder)
    return folder


def _run(module: object, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)  # type: ignore[attr-defined]
    code = module.main(parser.parse_args(arguments))  # type: ignore[attr-defined]
    return code, capsys.readouterr().out


def _states(text: str) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(text)["repositories"]}


@pytest.mark.slow
def test_what_is_behind_waits_or_is_merged(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = _run(status, capsys, "--json")
    assert code == 14
    assert _states(told) == dict.fromkeys(
        ("tvm_runtime_flutter", "g00_flutter", "g01_flutter"), "behind"
    )
    first = json.loads(told)["repositories"][0]
    assert (first["version"], first["newest"], first["tvm"]) == ("v0.1.0", "v0.2.0", "0.27.0.post1")
    assert (first["kind"], first["prefix"], first["branch"]) == ("runtime", None, None)
    assert json.loads(told)["findings"] == []

    project = team / "g00_flutter"
    git(project, "switch", "--quiet", "--create", BRANCH)
    update(project)
    commit(project, "Update")
    git(project, "switch", "--quiet", "main")
    code, told = _run(status, capsys, "--json", "--only", "g*")
    assert code == 14
    assert _states(told) == {"g00_flutter": "update waits", "g01_flutter": "behind"}
    assert json.loads(told)["repositories"][0]["branch"] == BRANCH

    git(project, "merge", "--quiet", "--ff-only", BRANCH)
    _, told = _run(status, capsys, "--json", "--only", "g*")
    assert _states(told) == {"g00_flutter": "up to date", "g01_flutter": "behind"}
    assert json.loads(told)["repositories"][0]["tvm"] == "0.28.0"


@pytest.mark.slow
def test_nothing_left_to_do_is_exit_code_0(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(made / "template", team / "new_flutter", name="new_flutter", ref=None)
    (team / "fleet.yaml").write_text(
        f"version: 1\ntemplates: [{made}/template]\nrepositories: [new_flutter]\n"
    )
    code, told = _run(status, capsys, "--json")
    assert (code, json.loads(told)["behind"]) == (0, False)
    assert _states(told) == {"new_flutter": "up to date"}
    code, told = _run(status, capsys)
    assert (code, told.splitlines()[-1]) == (0, "1 up to date")


def test_a_branch_that_only_holds_an_older_update_does_not_wait(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(team / "g00_flutter", "branch", BRANCH)
    (team / "g00_flutter" / "more").write_text("x")
    commit(team / "g00_flutter", "The base went on")
    git(team / "g01_flutter", "switch", "--quiet", "--create", BRANCH)
    (team / "g01_flutter" / "more").write_text("x")
    commit(team / "g01_flutter", "No update")
    git(team / "g01_flutter", "switch", "--quiet", "main")
    _, told = _run(status, capsys, "--json", "--only", "g*")
    assert _states(told) == {"g00_flutter": "behind", "g01_flutter": "behind"}


@pytest.mark.slow
def test_a_project_at_a_prerelease_is_not_behind(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = made / "template"
    git(template, "switch", "--quiet", "--detach")
    commit(template, "Soon", tag="v0.3.0a1")
    git(template, "switch", "--quiet", "main")
    make_project(template, team / "new_flutter", name="new_flutter", ref="v0.3.0a1")
    fleet = team / "fleet.yaml"
    fleet.write_text(fleet.read_text() + "  - new_flutter\n")
    _, told = _run(status, capsys, "--json", "--only", "new_flutter")
    assert _states(told) == {"new_flutter": "newer"}
    assert json.loads(told)["repositories"][0]["newest"] == "v0.2.0"


def test_dirt_and_problems_are_shown_with_their_mend(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (team / "g00_flutter" / "notes").write_text("x")
    shutil.rmtree(team / "g01_flutter")
    code, told = _run(status, capsys)
    assert code == 14
    assert "behind, dirty" in told
    assert f"g01_flutter: there is no folder {team}/g01_flutter\n   → Clone g01_flutter" in told
    assert told.endswith(
        "\n2 behind, 1 with a problem\nNext: `tvmplug fleet update`\n"
    )  # fmt: skip


def test_a_template_that_the_fleet_does_not_name_is_not_asked(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = team / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace(str(made / "template"), "gh:acme/other"))
    code, told = _run(status, capsys, "--json")
    assert code == 14
    assert set(_states(told).values()) == {"unknown"}
    row = json.loads(told)["repositories"][0]
    assert row["message"] == f"its template {made}/template is not one that fleet.yaml names"
    assert "if you trust it" in row["mend"]
    assert not (team / ".fleet" / "templates").exists()


def test_a_template_that_cannot_be_had_leaves_the_rest_known(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (team / "fleet.yaml", *team.glob("*/.copier-answers.yml")):
        path.write_text(path.read_text().replace(str(made / "template"), str(team / "gone")))
    for name in ("tvm_runtime_flutter", "g00_flutter", "g01_flutter"):
        commit(team / name, "Moved")
    code, told = _run(status, capsys, "--json")
    assert code == 14
    rows = json.loads(told)["repositories"]
    assert [each["state"] for each in rows] == ["unknown"] * 3
    assert [each["version"] for each in rows] == ["v0.1.0"] * 3
    assert all(str(team / "gone") in each["message"] for each in rows)


def test_prefixes_pins_and_the_registry_are_compared_across_the_whole_fleet(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(
        made / "template", team / "deep_flutter", name="deep_flutter", prefix="g00_deep_", ref=None
    )
    fleet = team / "fleet.yaml"
    fleet.write_text(fleet.read_text() + "  - deep_flutter\n")
    registry = team / "tvm_runtime_flutter" / "tvm_plugins.yaml"
    registry.write_text(registry.read_text().replace("g01_}", "g99_}"))
    commit(team / "tvm_runtime_flutter", "Another prefix")
    code, told = _run(status, capsys, "--json", "--only", "g01_flutter")
    assert code == 14
    assert list(_states(told)) == ["g01_flutter"]
    assert [(each["name"], each["detail"]) for each in json.loads(told)["findings"]] == [
        ("prefix", "deep_flutter holds g00_deep_, which begins with g00_ of g00_flutter"),
        ("pin", "the runtime plugin pins TVM 0.27.0.post1, but deep_flutter pins 0.28.0"),
        ("registry", "g01_flutter holds g01_, and tvm_runtime_flutter has it with g99_"),
        ("registry", "deep_flutter is not in the registry of tvm_runtime_flutter"),
    ]


def test_two_plugins_with_one_prefix_collide(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = team / "g01_flutter" / "tvm_plugin.yaml"
    manifest.write_text(manifest.read_text().replace("prefix: g01_", "prefix: g00_"))
    commit(team / "g01_flutter", "The other's prefix")
    _, told = _run(status, capsys, "--json")
    details = [each["detail"] for each in json.loads(told)["findings"]]
    assert details[0] == "g00_flutter and g01_flutter both hold g00_"


def test_the_last_result_comes_from_the_ledger(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Ledger(Places.beside(team / "fleet.yaml").ledger) as ledger:
        run = ledger.begin_run({}, {})
        for name, result, reason in (
            ("g00_flutter", Result.FAILED, Reason.CONFLICT),
            ("g01_flutter", Result.UPDATED, None),
        ):
            number = ledger.queue(
                run, name, repository=team / name, scratch=team / "x", branch=BRANCH
            )  # fmt: skip
            ledger.running(number)
            outcome = Outcome(attempt=number, name=name, result=result, reason=reason)
            ledger.done(number, outcome)
    _, told = _run(status, capsys, "--json")
    assert [each["last"] for each in json.loads(told)["repositories"]] == [
        None,
        "failed: conflict",
        "updated",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_without_breaking_a_word(
    team: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    test_the_last_result_comes_from_the_ledger(team, capsys)
    monkeypatch.setattr(
        output, "stdout", Console(soft_wrap=True, highlight=False, width=width)
    )  # fmt: skip
    _, told = _run(status, capsys)
    table = told.split("\n\n")[0].splitlines()
    assert len(table) == 2 + 3
    assert all(len(line) <= width for line in table[1:])  # the first has a long path
    assert ("0.27.0.post1" in table[0]) == (width == 80)
    assert "failed: conflict" in table[3]
    assert "v0.1.0 → v0.2.0" in table[3]


def test_limit_and_group_pick(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = team / "fleet.yaml"
    fleet.write_text(
        fleet.read_text().replace("- g01_flutter", "- {path: g01_flutter, groups: [b]}")
    )  # fmt: skip
    _, told = _run(status, capsys, "--json", "--limit", "2")
    assert list(_states(told)) == ["tvm_runtime_flutter", "g00_flutter"]
    _, told = _run(status, capsys, "--json", "--group", "b")
    assert list(_states(told)) == ["g01_flutter"]


def test_init_and_add_make_the_fleet_that_status_shows(
    team: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (team / "fleet.yaml").unlink()
    code, told = _run(init, capsys, "tvm_runtime_flutter", "g00_flutter")
    assert code == 0
    assert f"Updates may run {made}/template" in told
    assert "Next: `tvmplug fleet status`" in told
    code, told = _run(add, capsys, "g01_flutter", "--group", "speech", "--json")
    assert (code, json.loads(told)["name"]) == (0, "g01_flutter")
    _, told = _run(status, capsys, "--json", "--group", "speech")
    assert _states(told) == {"g01_flutter": "behind"}
