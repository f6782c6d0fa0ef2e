"""Branches go to bare repositories, requests to stand-ins for `gh` and `glab`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.fleet import hosting
from tests.fleet.small import make_fleet
from tests.templates.conftest import commit, git
from tvmplug import output
from tvmplug.commands.fleet import push
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.push_text import BEGIN, END
from tvmplug.fleet.records import Outcome, Result

pytestmark = pytest.mark.slow
BRANCH = "tvmplug/update"
NAMES = ("tvm_runtime_flutter", "g00_flutter", "g01_flutter")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of three whose plugins have an update on their branch."""
    folder = tmp_path_factory.mktemp("made") / "team"
    make_fleet(folder, 2)
    for name in NAMES:
        git(folder / name, "switch", "--quiet", "--create", BRANCH)
        _record(folder / name, "v0.1.0", "v0.2.0")
        _record(folder / name, "0.27.0.post1", "0.28.0")
        (folder / name / "new.txt").write_text("one\ntwo\n")
        commit(folder / name, "Update")
        git(folder / name, "switch", "--quiet", "main")
        bare = folder / "bare" / f"{name}.git"
        git(folder, "clone", "--quiet", "--bare", "--single-branch", str(folder / name), str(bare))
    return folder


def _record(project: Path, old: str, new: str) -> None:
    """Change what a plugin records: the template's version or the TVM."""
    for name in (".copier-answers.yml", "tvm_plugin.yaml"):
        path = project / name
        path.write_text(path.read_text().replace(old, new))


class Team:
    """A copy of that fleet with a bare repository for each plugin."""

    def __init__(self, made: Path, folder: Path) -> None:
        self.folder, self.bare, self.bin = folder / "team", folder / "bare", folder / "bin"
        self.state = folder / "state.json"
        without = shutil.ignore_patterns("template", "bare")
        shutil.copytree(made, self.folder, symlinks=True, ignore=without)
        shutil.copytree(made / "bare", self.bare)
        for name in NAMES:
            self.set(name, f'[remote "origin"]\n\turl = {self.bare}/{name}.git')

    def set(self, name: str, lines: str) -> None:
        """Add to a repository's configuration."""
        with (self.folder / name / ".git" / "config").open("a") as config:
            config.write(f"{lines}\n")

    def on(self, start: str, *programs: str, **more: Any) -> None:
        """Give the remotes addresses of a server, and install its program."""
        for name in NAMES:
            address = f"{start}{name}.git"
            # The one with the server's name replaces the folder, as `git remote set-url` would.
            config = self.folder / name / ".git" / "config"
            config.write_text(config.read_text().replace(f"{self.bare}/{name}.git", address))
            self.set(name, f'[url "{self.bare}/"]\n\tinsteadOf = {start}')
        host = start.partition("@")[2].replace(":", "/")
        hosting.install(
            self.bin,
            self.state,
            *programs,
            **{
                "hosts": [host.partition("/")[0]],
                "repositories": {host + name: str(self.bare / f"{name}.git") for name in NAMES},
                **more,
            },
        )

    def tell(self, **more: Any) -> None:
        """Change what the stand-ins know."""
        self.state.write_text(json.dumps({**self.known(), **more}))

    def known(self) -> dict[str, Any]:
        return dict(json.loads(self.state.read_text()))

    def requests(self) -> list[dict[str, Any]]:
        return sorted(self.known()["requests"], key=lambda each: str(each["repository"]))

    def remote_tip(self, name: str) -> str:
        return git(self.bare / f"{name}.git", "for-each-ref", "--format=%(objectname)",
                   f"refs/heads/{BRANCH}")  # fmt: skip

    def tip(self, name: str) -> str:
        return git(self.folder / name, "rev-parse", BRANCH)

    def advance(self, name: str, text: str = "three\n") -> None:
        """Put one more commit on a plugin's branch."""
        git(self.folder / name, "switch", "--quiet", BRANCH)
        (self.folder / name / "new.txt").write_text(text)
        commit(self.folder / name, "More")
        git(self.folder / name, "switch", "--quiet", "main")

    def fleet(self, old: str, new: str) -> None:
        path = self.folder / "fleet.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def team(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    team = Team(made, tmp_path)
    monkeypatch.chdir(team.folder)
    monkeypatch.setenv("PATH", str(team.bin), prepend=os.pathsep)
    monkeypatch.setenv(hosting.STATE, str(team.state))
    return team


class Run:
    """One `fleet push`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        parser = argparse.ArgumentParser()
        push.add_arguments(parser)
        self.code = push.main(parser.parse_args(arguments))
        self.out = capsys.readouterr().out
        told = json.loads(self.out)["repositories"] if "--json" in arguments else []
        self.rows = {each["name"]: each for each in told}

    def each(self, key: str) -> list[Any]:
        return [self.rows[name][key] for name in self.rows]


Capture = pytest.CaptureFixture[str]


def test_branches_with_updates_are_pushed_once(team: Team, capsys: Capture) -> None:
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (0, ["pushed"] * 3)
    assert [team.remote_tip(name) for name in NAMES] == [team.tip(name) for name in NAMES]
    assert run.each("commit") == [team.tip(name) for name in NAMES]
    assert run.each("request") == [None] * 3  # a folder takes none

    assert Run(capsys, "--json").each("result") == ["up to date"] * 3
    team.advance("g00_flutter")
    run = Run(capsys, "--json")
    assert run.each("result") == ["up to date", "pushed", "up to date"]
    assert team.remote_tip("g00_flutter") == team.tip("g00_flutter")


def test_nothing_else_is_pushed(team: Team, capsys: Capture) -> None:
    project, bare = team.folder / "g00_flutter", team.bare / "g00_flutter.git"
    git(project, "config", "push.followTags", "true")
    git(project, "config", "remote.origin.push", "+refs/heads/*:refs/heads/*")
    commit(project, "On the base", tag="v9")
    before = git(bare, "for-each-ref")
    Run(capsys, "--only", "g00_flutter")
    added = set(git(bare, "for-each-ref").splitlines()) - set(before.splitlines())
    assert [line.split("\t")[1] for line in added] == [f"refs/heads/{BRANCH}"]


def test_what_has_no_update_is_not_pushed(team: Team, capsys: Capture) -> None:
    git(team.folder / "tvm_runtime_flutter", "branch", "--delete", "--force", BRANCH)
    git(team.folder / "g00_flutter", "merge", "--quiet", "--ff-only", BRANCH)
    git(team.folder / "g01_flutter", "merge", "--quiet", "--squash", BRANCH)
    commit(team.folder / "g01_flutter", "Squashed")
    (team.folder / "g01_flutter" / "later").write_text("x")
    commit(team.folder / "g01_flutter", "The base goes on")
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (0, ["nothing to push"] * 3)
    assert [team.remote_tip(name) for name in NAMES] == [""] * 3
    assert Run(capsys).out == "3 nothing to push\n"


def test_a_base_that_went_on_is_no_hindrance(team: Team, capsys: Capture) -> None:
    (team.folder / "g00_flutter" / "later").write_text("x")
    commit(team.folder / "g00_flutter", "The base goes on")
    run = Run(capsys, "--json", "--only", "g00_flutter")
    assert run.each("result") == ["pushed"]


def test_another_history_at_the_remote_is_left_alone(team: Team, capsys: Capture) -> None:
    elsewhere = team.folder / "elsewhere"
    git(team.folder, "clone", "--quiet", team.bare / "g00_flutter.git", elsewhere)
    git(elsewhere, "switch", "--quiet", "--create", BRANCH)
    commit(elsewhere, "A reviewer's commit")
    git(elsewhere, "push", "--quiet", "origin", BRANCH)
    theirs = team.remote_tip("g00_flutter")

    run = Run(capsys, "--json")
    assert run.code == 14
    assert run.each("result") == ["pushed", "failed", "pushed"]
    row = run.rows["g00_flutter"]
    assert row["message"] == f"{BRANCH} at origin has commits that are not in {BRANCH} here"
    project = team.folder / "g00_flutter"
    assert f"git -C {project} fetch origin {BRANCH}, then merge FETCH_HEAD" in row["mend"]
    assert team.remote_tip("g00_flutter") == theirs

    git(project, "switch", "--quiet", BRANCH)  # what the mend says
    git(project, "fetch", "--quiet", "origin", BRANCH)
    git(project, "merge", "--quiet", "--no-edit", "FETCH_HEAD")
    git(project, "switch", "--quiet", "main")
    assert Run(capsys, "--json").each("result") == ["up to date", "pushed", "up to date"]


def test_a_remote_that_refuses_is_quoted(team: Team, capsys: Capture) -> None:
    hook = team.bare / "g00_flutter.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only on Mondays' >&2\nexit 1\n")
    hook.chmod(0o755)
    shutil.rmtree(team.bare / "g01_flutter.git")
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (14, ["pushed", "failed", "failed"])
    refused, gone = run.rows["g00_flutter"], run.rows["g01_flutter"]
    assert refused["message"] == f"origin did not take {BRANCH}: pre-receive hook declined"
    assert f"push --dry-run origin {BRANCH}" in refused["mend"]
    assert "does not appear to be a git repository" in gone["message"]


def test_what_cannot_be_pushed_says_why(team: Team, capsys: Capture) -> None:
    git(team.folder / "tvm_runtime_flutter", "remote", "remove", "origin")
    git(team.folder / "g00_flutter", "switch", "--quiet", BRANCH)
    shutil.rmtree(team.folder / "g01_flutter")
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (14, ["failed"] * 3)
    messages = run.each("message")
    assert messages[0] == "it has no remote 'origin'"
    assert f"its branch {BRANCH} is checked out" in messages[1]
    assert f"there is no folder {team.folder}/g01_flutter" in messages[2]
    assert all(run.each("mend"))


def test_another_remote_and_the_choosing_options(team: Team, capsys: Capture) -> None:
    other = team.bare / "other.git"
    git(team.folder, "init", "--quiet", "--bare", str(other))
    git(team.folder / "g01_flutter", "remote", "add", "fork", str(other))
    run = Run(capsys, "--json", "--remote", "fork", "--only", "g01*")
    assert (run.code, list(run.rows)) == (0, ["g01_flutter"])
    assert git(other, "rev-parse", BRANCH) == team.tip("g01_flutter")
    assert list(Run(capsys, "--json", "--limit", "1").rows) == ["tvm_runtime_flutter"]
    assert team.remote_tip("g01_flutter") == ""


def test_the_repositorys_own_hook_before_a_push_runs(team: Team, capsys: Capture) -> None:
    hook = team.folder / "g00_flutter" / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\ncat > pushed-refs\n")  # Git LFS uploads its files here
    hook.chmod(0o755)
    Run(capsys, "--only", "g00_flutter")
    assert BRANCH in (team.folder / "g00_flutter" / "pushed-refs").read_text()


def test_a_repository_named_by_address_is_pushed_from_its_clone(
    team: Team, capsys: Capture
) -> None:
    bare = team.bare / "g00_flutter.git"
    team.fleet("- g00_flutter", f"- {{url: {bare}, name: g00_flutter}}")
    clone = team.folder / ".fleet" / "clones" / "g00_flutter"
    only = ("--json", "--only", "g00_flutter")
    assert Run(capsys, *only).each("result") == ["nothing to push"]
    git(clone, "fetch", "--quiet", str(team.folder / "g00_flutter"), f"{BRANCH}:{BRANCH}")
    assert Run(capsys, *only).each("result") == ["pushed"]
    assert team.remote_tip("g00_flutter") == team.tip("g00_flutter")
    assert Run(capsys, *only).each("result") == ["up to date"]


G = ("--only", "g0*")
SERVERS = [("git@github.com:acme/", "gh"), ("git@gitlab.example.com:acme/sub/", "glab")]


@pytest.mark.parametrize(("start", "program"), SERVERS)
def test_a_request_is_opened_once_and_kept_up_to_date(
    team: Team, capsys: Capture, start: str, program: str
) -> None:
    team.on(start, program)
    run = Run(capsys, "--json", *G)
    assert (run.code, run.each("request")) == (0, ["opened"] * 2)
    opened = team.requests()
    assert run.rows["g00_flutter"]["url"] == opened[0]["url"]
    assert (opened[0]["branch"], opened[0]["base"]) == (BRANCH, "main")
    assert opened[0]["title"] == "Update the template to v0.2.0 and TVM to 0.28.0"
    assert "| template | `v0.1.0` | `v0.2.0` |" in opened[0]["body"]
    assert "| TVM | `0.27.0.post1` | `0.28.0` |" in opened[0]["body"]
    assert "| `new.txt` | +2 / -0, added |" in opened[0]["body"]
    assert str(team.folder.parent) not in opened[0]["body"]  # nor any path of this machine

    assert Run(capsys, "--json", *G).each("request") == ["unchanged"] * 2
    assert team.requests() == opened

    team.advance("g00_flutter")
    run = Run(capsys, "--json", *G)
    assert run.each("request") == ["edited", "unchanged"]
    edited = team.requests()
    assert [each["number"] for each in edited] == [each["number"] for each in opened]
    assert "| `new.txt` | +1 / -0, added |" in edited[0]["body"]
    assert edited[1:] == opened[1:]


@pytest.mark.parametrize(("start", "program"), SERVERS)
def test_what_people_wrote_into_a_request_stays(
    team: Team, capsys: Capture, start: str, program: str
) -> None:
    team.on(start, program)
    Run(capsys, "--draft", "--only", "g00_flutter")
    requests = team.known()["requests"]
    assert [each["draft"] for each in requests] == [True]
    for each in requests:
        each["body"] = f"Please look.\n\n{each['body']}\n\nThanks!"
        each["title"] = "My title"
    team.tell(requests=requests)
    run = Run(capsys, "--json", "--only", "g00_flutter")
    assert run.each("request") == ["edited"]
    for each in team.requests():
        assert each["title"] == "Update the template to v0.2.0 and TVM to 0.28.0"
        assert each["body"].startswith(f"Please look.\n\n{BEGIN}\n")
        assert each["body"].endswith(f"\n{END}\n\nThanks!")
        assert each["draft"]
    assert Run(capsys, "--json", "--only", "g00_flutter").each("request") == ["unchanged"]


def test_notices_of_the_update_are_told_to_reviewers(team: Team, capsys: Capture) -> None:
    team.on(SERVERS[0][0], "gh")
    with Ledger(Places.beside(team.folder / "fleet.yaml").ledger) as ledger:
        run = ledger.begin_run({}, {})
        number = ledger.queue(
            run, "g00_flutter", repository=team.folder / "x", scratch=team.folder, branch=BRANCH
        )
        ledger.running(number)
        outcome = Outcome(
            attempt=number,
            name="g00_flutter",
            result=Result.UPDATED,
            commit=team.tip("g00_flutter"),
            notices=("kept your edit of docs/old.md", "@somebody `|` <b>"),
        )
        ledger.done(number, outcome)
    Run(capsys, *G)
    bodies = [each["body"] for each in team.requests()]
    assert "### To know\n\n- `kept your edit of docs/old.md`\n" in bodies[0]
    assert "- ``@somebody `\\|` <b>``\n" in bodies[0]
    assert "To know" not in bodies[1]


@pytest.mark.parametrize(("start", "program"), SERVERS)
def test_a_request_from_a_fork_or_a_closed_one_is_another_one(
    team: Team, capsys: Capture, start: str, program: str
) -> None:
    team.on(start, program)
    Run(capsys, "--only", "g00_flutter")
    (mine,) = team.requests()
    closed = {**mine, "state": "closed"}
    team.tell(requests=[{**mine, "fork": True, "title": "Theirs"}, closed])
    assert Run(capsys, "--json", "--only", "g00_flutter").each("request") == ["opened"]
    theirs, before, new = team.known()["requests"]
    assert (theirs["title"], before, new["number"]) == ("Theirs", closed, 3)


@pytest.mark.parametrize(("start", "program"), SERVERS)
def test_a_dry_run_asks_and_changes_nothing(
    team: Team, capsys: Capture, start: str, program: str
) -> None:
    team.on(start, program)
    Run(capsys, "--only", "g01_flutter")
    team.advance("g01_flutter")
    before = (team.requests(), [team.remote_tip(name) for name in NAMES])
    run = Run(capsys, "--json", "--dry-run", *G)
    assert (run.code, run.each("result")) == (0, ["pushed"] * 2)
    assert run.each("request") == ["opened", "edited"]
    assert (team.requests(), [team.remote_tip(name) for name in NAMES]) == before
    told = Run(capsys, "--dry-run", *G).out
    assert "would be pushed" in told
    assert "would be opened" in told
    assert "2 would be pushed" in told


@pytest.mark.parametrize("missing", ["program", "login"])
@pytest.mark.parametrize(("start", "program"), SERVERS)
def test_without_a_usable_program_branches_are_pushed_and_it_is_told(
    team: Team, capsys: Capture, start: str, program: str, missing: str
) -> None:
    team.on(start, *([program] if missing == "login" else []), hosts=[])
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (0, ["pushed"] * 3)
    assert run.each("request") == [None] * 3
    host = start.partition("@")[2].partition(":")[0]
    if missing == "login":
        assert set(run.each("message")) == {f"no request: {program} is not logged in to {host}"}
        assert set(run.each("mend")) == {f"Run `{program} auth login --hostname {host}`"}
        assert team.known()["calls"] == [f"{program} auth status"]  # asked once for all
    else:
        (message,) = set(run.each("message"))
        assert message == f"no request: {program} is not installed"
    told = Run(capsys).out
    assert told.count("no request") == 1
    assert "tvm_runtime_flutter, g00_flutter, g01_flutter: no request" in told


def test_a_fleet_that_asks_for_requests_fails_without_them(team: Team, capsys: Capture) -> None:
    team.on(SERVERS[0][0])
    team.fleet("repositories:", "defaults: {host: github}\nrepositories:")
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (14, ["failed"] * 3)
    assert set(run.each("message")) == {"gh is not installed"}
    assert [team.remote_tip(name) for name in NAMES] == [team.tip(name) for name in NAMES]


def test_a_server_that_nothing_names_takes_requests_when_the_fleet_says_so(
    team: Team, capsys: Capture
) -> None:
    team.on("git@code.example.com:acme/", "gh", "glab")
    assert Run(capsys, "--json").each("request") == [None] * 3
    assert team.known()["calls"] == []
    team.fleet("repositories:", "defaults: {host: gitlab}\nrepositories:")
    assert Run(capsys, "--json").each("request") == ["opened"] * 3
    assert {call.split()[0] for call in team.known()["calls"]} == {"glab"}


def test_no_request_is_opened_where_the_fleet_wants_none(team: Team, capsys: Capture) -> None:
    team.on(SERVERS[0][0], "gh")
    team.fleet("- g00_flutter", "- {path: g00_flutter, host: none}")
    run = Run(capsys, "--json")
    assert run.each("request") == ["opened", None, "opened"]
    assert run.each("result") == ["pushed"] * 3


@pytest.mark.parametrize(("start", "program"), SERVERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_fails_is_told_and_tried_again_by_the_next_push(
    team: Team, capsys: Capture, start: str, program: str, method: str
) -> None:
    team.on(start, program, fails={method: "Bad Gateway"})
    run = Run(capsys, "--json", *G)
    assert (run.code, run.each("result")) == (14, ["failed"] * 2)
    message = run.each("message")[0]
    assert message.startswith(f"its branch is pushed, but {program} api {method} ")
    assert message.endswith(" failed: Bad Gateway (HTTP 502)")
    assert set(run.each("mend")) == {"Mend that, then run `tvmplug fleet push` again"}
    team.tell(fails={})
    run = Run(capsys, "--json", *G)
    assert (run.code, run.each("result"), run.each("request")) == (
        0, ["up to date"] * 2, ["opened"] * 2,
    )  # fmt: skip


def test_the_server_is_asked_for_the_branch_where_nothing_names_it(
    team: Team, capsys: Capture
) -> None:
    team.on(SERVERS[1][0], "glab")
    git(team.folder / "g00_flutter", "checkout", "--quiet", "--detach")
    run = Run(capsys, "--json", *G)
    assert run.each("request") == ["opened"] * 2
    assert [each["base"] for each in team.requests()] == ["main"] * 2
    assert team.known()["calls"].count("glab GET project") == 1


def test_one_failure_does_not_keep_the_others(team: Team, capsys: Capture) -> None:
    team.on(SERVERS[0][0], "gh")
    repositories = team.known()["repositories"]
    del repositories["github.com/acme/g00_flutter"]
    team.tell(repositories=repositories)
    run = Run(capsys, "--json")
    assert (run.code, run.each("result")) == (14, ["pushed", "failed", "pushed"])
    assert run.rows["g00_flutter"]["message"].endswith(" failed: Not Found (HTTP 404)")
    told = Run(capsys).out
    assert "2 up to date, 1 failed" in told
    assert " g00_flutter: its branch is pushed, but gh api GET repos/acme/g00_flutter/pulls" in told


@pytest.mark.parametrize("width", [80, 120])
def test_an_address_is_never_broken_into_lines(
    team: Team, capsys: Capture, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    team.on(SERVERS[0][0], "gh")
    console = Console(soft_wrap=True, highlight=False, width=width)
    monkeypatch.setattr(output, "stdout", console)
    told = Run(capsys).out.splitlines()
    urls = [each["url"] for each in team.requests()]
    assert all(any(url in line for line in told) for url in urls)
    assert all(len(line) <= width for line in told)
    assert ("opened" in next(line for line in told if urls[0] in line)) == (width == 120)
    assert told[-1] == "3 pushed"
