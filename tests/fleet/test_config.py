"""fleet.yaml: what it may say, how mistakes are told, and how it is written."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet.small import make_project, small_template
from tests.templates.conftest import git
from tvmplug.errors import FleetError, TvmplugError, UsageError
from tvmplug.fleet import config
from tvmplug.fleet.config import (
    Fleet,
    Host,
    choose,
    find_fleet,
    names_source,
    parse_fleet,
    read_fleet,
)
from tvmplug.fleet.config_write import add_repository, init_fleet, quoted
from tvmplug.fleet.records import Repository, Verify

FULL = """\
# Ours.
version: 1
templates:   # only these
  - gh:acme/template-runtime
  - ../templates/model
runtime: tvm_runtime_flutter
defaults:
  branch: bot/update
  groups: [all]
  data: {author: Acme, organisation: com.acme}
  host: gitlab
repositories:
  - ../tvm_runtime_flutter
  - path: ../g2p_flutter   # speech
    groups: [speech]
    keep_edits: true
  - url: git@example.com:acme/kokoro_flutter.git
    base: main
    verify: check
    data: {organisation: com.example}
    host: none
  # the last one
  - https://example.com/acme/silero.git
"""


# What makes sense somewhere in YAML, and mostly not where it is put.
SCRAPS = (
    "[]", "{}", "null", "1.5", "true", "x", "'", '"', "- ", ": ", "? ", "#", "\n", "  ", "\t", "&a",
    "*a", "<<", "!!set", "- [a]", "2024-13-01", "~", "|", "{path: }", "\x00", "é", "path", "url",
    "-", "https://[a]",
)  # fmt: skip


@st.composite
def strange_edits(draw: st.DrawFn, text: str) -> str:
    """A text with a few scraps put in, letters taken out, and lines exchanged."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["put", "cut", "swap"]))
        lines = text.splitlines(keepends=True)
        if kind == "put":
            text = text[:at] + draw(st.sampled_from(SCRAPS)) + text[at:]
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 12)) :]
        elif lines:
            one, two = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[one], lines[two] = lines[two], lines[one]
            text = "".join(lines)
    return text


def _fleet(folder: Path, text: str) -> Fleet:
    path = folder / "fleet.yaml"
    path.write_text(text)
    return read_fleet(path)


def _refused(folder: Path, text: str) -> TvmplugError:
    with pytest.raises(FleetError) as caught:
        _fleet(folder, text)
    return caught.value


def _small(*repositories: str, more: str = "") -> str:
    lines = "".join(f"  - {each}\n" for each in repositories)
    return f"version: 1\ntemplates: [gh:acme/t]\n{more}repositories:\n{lines}"


def test_a_whole_file_is_read_with_its_defaults_filled_in(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    fleet = _fleet(folder, FULL)
    assert fleet.path == folder / "fleet.yaml"
    assert fleet.templates == (
        "https://github.com/acme/template-runtime.git",
        str(tmp_path / "templates/model"),
    )
    assert fleet.runtime == "tvm_runtime_flutter"
    runtime, g2p, kokoro, silero = fleet.repositories
    assert runtime == Repository(
        name="tvm_runtime_flutter",
        source="../tvm_runtime_flutter",
        path=tmp_path / "tvm_runtime_flutter",
        is_remote=False,
        groups=("all",),
        is_runtime=True,
        base=None,
        branch="bot/update",
        data={"author": "Acme", "organisation": "com.acme"},
        keep_edits=False,
        verify=Verify.RENDER,
    )
    assert (g2p.groups, g2p.keep_edits, g2p.is_runtime) == (("all", "speech"), True, False)
    assert kokoro == Repository(
        name="kokoro_flutter",
        source="git@example.com:acme/kokoro_flutter.git",
        path=folder / ".fleet/clones/kokoro_flutter",
        is_remote=True,
        groups=("all",),
        is_runtime=False,
        base="main",
        branch="bot/update",
        data={"author": "Acme", "organisation": "com.example"},
        keep_edits=False,
        verify=Verify.CHECK,
    )
    assert (silero.name, silero.is_remote) == ("silero", True)
    assert fleet.hosts == {
        "tvm_runtime_flutter": Host.GITLAB,
        "g2p_flutter": Host.GITLAB,
        "kokoro_flutter": Host.NONE,
        "silero": Host.GITLAB,
    }


def test_answers_are_plain_values_that_any_process_can_take(tmp_path: Path) -> None:
    fleet = _fleet(
        tmp_path, _small("{path: ../a, data: {platforms: [linux], n: 1, f: 1.5, b: true, s: 'x'}}")
    )
    data = fleet.repositories[0].data
    assert data == {"platforms": ["linux"], "n": 1, "f": 1.5, "b": True, "s": "x"}
    assert [type(each) for each in data.values()] == [list, int, float, bool, str]


@pytest.mark.parametrize(
    ("text", "line", "problem", "mend"),
    [
        ("", 1, "no mapping", "restore"),
        ("version: [1\n", 2, "not YAML", "restore"),
        ("version: 1\nversion: 1\n", 2, "not YAML", "restore"),
        ("templates: [x]\n", 1, "version is None", "version: 1"),
        ("version: 2\ntemplates: [x]\n", 1, "version is 2", "version: 1"),
        ("version: 1\n", 1, "names no template", "templates:"),
        ("version: 1\ntemplates: x\n", 2, "is no list", "templates: [...]"),
        ("version: 1\ntemplates:\n  - x\n  - 1\n", 4, "holds 1", "quotes"),
        ("version: 1\ntemplates: [x]\n", 1, "names no repository", "fleet add"),
        ("version: 1\ntemplate: [x]\n", 2, "'template' means nothing", "mean templates?"),
        (_small("../a", more="runtime: b\n"), 3, "'b' is none of", "take `runtime:` out"),
        (_small("../tvm_rt", more="runtime: tvm_rtt\n"), 3, "none of", "mean tvm_rt?"),
        (_small("../a", more="runtime: [b]\n"), 3, "'runtime' is no text", "runtime: ..."),
        (_small("../a", more="defaults: x\n"), 3, "no mapping", "key: value"),
        (_small("../a", more="defaults: {verfy: x}\n"), 3, "'verfy'", "mean verify?"),
        (_small("../a", more="defaults: {verify: rendr}\n"), 3, "'rendr'", "mean render?"),
        (_small("../a", more="defaults: {host: bitbucket}\n"), 3, "'bitbucket'", "gitlab"),
        (_small("../a", more="defaults: {keep_edits: yes}\n"), 3, "'yes'", "true or false"),
        (_small("../a", more="defaults: {branch: 'a b'}\n"), 3, "no name for a branch", "another"),
        (_small("../a", more="defaults: {data: [x]}\n"), 3, "no mapping of answers", "question"),
        (
            _small("../a", "../b/a"),
            5,
            "two repositories are called a (the other in line 4)",
            "name",
        ),
        (_small("../a", "../b/A"), 5, "two repositories are called A", "name"),
        (_small("../a", "{path: ../b/../a, name: b}"), 5, "line 4, a, again", "Take one"),
        (
            _small("gh:a/b", "{url: 'https://github.com/a/b', name: c}"),
            5,
            "line 4, b, again",
            "Take one",
        ),
        (_small("../a", "[x]"), 5, "is no repository", "folder or an address"),
        (_small("{name: a}"), 4, "neither a path nor a url", "one of them"),
        (_small("{path: a, url: gh:a/b}"), 4, "both a path and a url", "one of them"),
        (_small("{pth: a}"), 4, "'pth' means nothing in a repository", "mean path?"),
        (_small("'../a b'"), 4, "'a b' is no name", "name:"),
        (_small("{path: ../a, name: ../b}"), 4, "'../b' is no name", "name:"),
        (_small("{path: ../a, name: .fleet}"), 4, "'.fleet' is no name", "name:"),
        (_small("/"), 4, "'' is no name", "name:"),
        (_small("{url: '-uevil'}"), 4, "no address", ""),
        (_small("{path: ../a, base: tvmplug/update}"), 4, "would start from", "`branch:`"),
        (_small("{path: ../a, data: {_src_path: evil}}"), 4, "no question", "Take it out"),
        (_small("{path: ../a, groups: speech}"), 4, "'groups' is no list", "groups: [...]"),
        (_small("https://me:secret@example.com/a.git"), 4, "holds a password", "credential"),
    ],
)
def test_a_mistake_is_told_by_file_and_line_with_its_mend(
    tmp_path: Path, text: str, line: int, problem: str, mend: str
) -> None:
    error = _refused(tmp_path, text)
    assert error.message.startswith(f"{tmp_path}/fleet.yaml:{line}: ")
    assert problem in error.message
    assert mend in (error.mend or "")
    assert error.exit_code == 13
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "branch", ["-x", "a..b", "a/", "/a", "a//b", "a.lock", "a.lock/b", "a/.b", "@", "HEAD", "a@{b"]
)
def test_what_git_takes_for_no_branch_is_refused(tmp_path: Path, branch: str) -> None:
    assert "no name for a branch" in _refused(
        tmp_path, _small(f"{{path: ../a, branch: '{branch}'}}")
    ).message  # fmt: skip


@pytest.mark.parametrize("text", ["? {a: [b]}\n", "version: 2024-13-01\n"])
def test_what_is_no_sense_in_yaml_is_told_too(tmp_path: Path, text: str) -> None:
    assert f"{tmp_path}/fleet.yaml" in _refused(tmp_path, text).message


@given(text=strange_edits(FULL))
@settings(max_examples=150, deadline=None)
def test_no_edit_of_a_fleet_file_ends_in_anything_but_a_fleet_or_its_error(text: str) -> None:
    path = Path("/somewhere/fleet.yaml")
    told = ""
    try:
        fleet = parse_fleet(path, text)
        assert len({each.name.casefold() for each in fleet.repositories}) == len(fleet.hosts) > 0
    except FleetError as error:
        told = str(error)
    assert told == "" or told.startswith(str(path))
    assert "\n" not in told


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"there is no .*fleet init"):
        read_fleet(tmp_path / "fleet.yaml")
    (tmp_path / "fleet.yaml").write_bytes(b"\xff")
    with pytest.raises(FleetError, match="not UTF-8"):
        read_fleet(tmp_path / "fleet.yaml")


def test_a_repository_whose_folder_is_missing_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    assert _fleet(tmp_path, _small("../nowhere")).repositories[0].path == (
        tmp_path.parent / "nowhere"
    )  # fmt: skip


def test_the_fleet_file_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(_small("../a"))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_fleet() == path
    assert find_fleet(tmp_path) == path
    assert find_fleet(Path("../../fleet.yaml")).samefile(path)
    with pytest.raises(FleetError, match="there is no"):
        find_fleet(below)
    path.unlink()
    with pytest.raises(FleetError, match="or above"):
        find_fleet()


def test_repositories_are_picked_by_name_pattern_and_group(tmp_path: Path) -> None:
    fleet = _fleet(
        tmp_path,
        _small("../g2p", "{path: ../g3p, groups: [x]}", "{path: ../tts, groups: [x, y]}"),
    )

    def names(only: list[str], groups: list[str]) -> list[str]:
        return [each.name for each in choose(fleet, only, groups)]

    assert names([], []) == ["g2p", "g3p", "tts"]
    assert names(["g?p"], []) == ["g2p", "g3p"]
    assert names(["tts", "g2p"], []) == ["g2p", "tts"]
    assert names([], ["y", "x"]) == ["g3p", "tts"]
    assert names(["g*"], ["x"]) == ["g3p"]
    with pytest.raises(UsageError, match=r"no repository .* 'g2'\. Did you mean g2p\?"):
        names(["g2"], [])
    with pytest.raises(
        UsageError, match=r"no group of the fleet is called 'z'. The fleet has x, y"
    ):
        names([], ["z"])


@pytest.mark.parametrize(
    ("template", "source", "same"),
    [
        ("gh:acme/t", "https://github.com/acme/t", True),
        ("gh:acme/t", "https://github.com/acme/t.git", True),
        ("gh:acme/t", "git+https://github.com/acme/t", True),
        ("gh:/acme/t.git", "gh:acme/t", True),
        ("gl:acme/t", "https://gitlab.com/acme/t.git/", True),
        ("git@example.com:acme/t.git", "git@example.com:acme/t", True),
        ("../t", "{root}/t", True),
        ("{root}/fleet/../t", "{root}/t", True),
        ("gh:acme/t", "gl:acme/t", False),
        ("gh:acme/t", "gh:acme/T", False),
        ("gh:acme/t", "gh:acme/t2", False),
        ("gh:acme/t", "gh:evil/t", False),
        ("../t", "{root}/fleet/t", False),
        ("https://example.com/t", "https://example.com.evil/t", False),
    ],
)
def test_a_projects_template_is_recognised_in_every_spelling(
    tmp_path: Path, template: str, source: str, same: bool
) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    text = f"version: 1\ntemplates: ['{template.format(root=tmp_path)}']\nrepositories: [../a]\n"
    assert names_source(_fleet(folder, text), source.format(root=tmp_path)) is same


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template, a runtime plugin, a model plugin, and what is no plugin."""
    root = tmp_path_factory.mktemp("team")
    template = small_template(root / "template")
    make_project(template, root / "tvm_runtime_flutter", "runtime")
    make_project(template, root / "g2p_flutter", name="g2p_flutter", prefix="g2p_")
    make_project(template, root / "more" / "tts_flutter", name="tts_flutter", prefix="tts_")
    (root / "notes").mkdir()
    broken = root / "broken"
    broken.mkdir()
    (broken / "tvm_plugin.yaml").write_text("kind: banana\n")
    return root


def test_init_finds_the_plugins_beside_it_and_their_template(team: Path, tmp_path: Path) -> None:
    fleet = init_fleet(team, [], [])
    written = (team / "fleet.yaml").read_text()
    (team / "fleet.yaml").unlink()
    assert written == (
        "# Which plugins this team keeps, and where their templates come from.\n"
        "version: 1\n"
        "templates:            # the only sources that an update may run\n"
        f"  - {team}/template\n"
        "runtime: tvm_runtime_flutter\n"
        "defaults: {branch: tvmplug/update, verify: render}\n"
        "repositories:\n"
        "  - tvm_runtime_flutter\n"
        "  - g2p_flutter\n"
        "  - more/tts_flutter\n"
    )
    assert [each.name for each in fleet.repositories if each.is_runtime] == ["tvm_runtime_flutter"]

    (team / "notes" / "fleet.yaml").unlink(missing_ok=True)
    init_fleet(team / "notes", [], [])
    beside = read_fleet(team / "notes" / "fleet.yaml")
    (team / "notes" / "fleet.yaml").unlink()
    assert [each.source for each in beside.repositories] == [
        "../tvm_runtime_flutter",
        "../g2p_flutter",
    ]


def test_init_takes_what_it_is_told(team: Path, tmp_path: Path) -> None:
    fleet = init_fleet(
        tmp_path, ["gh:acme/t"], [str(team / "g2p_flutter"), "git@example.com:acme/x.git"]
    )
    assert fleet == read_fleet(tmp_path / "fleet.yaml")
    assert [each.name for each in fleet.repositories] == ["g2p_flutter", "x"]
    assert fleet.repositories[0].path == team / "g2p_flutter"
    assert fleet.templates == ("https://github.com/acme/t.git",)
    assert fleet.runtime is None
    assert {each.name for each in tmp_path.iterdir()} == {"fleet.yaml", ".fleet"}
    assert (tmp_path / ".fleet" / ".gitignore").read_text() == "*\n"


def test_init_never_overwrites_and_says_what_it_misses(team: Path, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"no plugin in .* fleet init FOLDER"):
        init_fleet(tmp_path / "a" / "b", [], [])
    with pytest.raises(FleetError, match="is no tvmplug plugin"):
        init_fleet(tmp_path, [], [str(team / "notes")])
    with pytest.raises(FleetError, match="there is no folder"):
        init_fleet(tmp_path, [], [str(team / "nothing")])
    with pytest.raises(FleetError, match=r"no plugin records the template.*--template"):
        init_fleet(tmp_path, [], ["git@example.com:acme/x.git"])
    runtime = str(team / "tvm_runtime_flutter")
    with pytest.raises(FleetError, match="one runtime plugin, and these are 2"):
        init_fleet(tmp_path, [], [runtime, runtime])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "fleet.yaml").write_text("mine")
    with pytest.raises(FleetError, match=r"already.*fleet add"):
        init_fleet(tmp_path, [], [str(team / "g2p_flutter")])
    assert (tmp_path / "fleet.yaml").read_text() == "mine"


def test_adding_keeps_comments_and_order(team: Path, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FULL + "\n# The end.\n")
    added = add_repository(path, str(team / "g2p_flutter"), name="g2p_two", groups=["speech", "no"])
    source = os.path.relpath(team / "g2p_flutter", tmp_path)
    entry = f"  - path: {source}\n    name: g2p_two\n    groups: [speech, 'no']\n"
    assert path.read_text() == FULL + entry + "\n# The end.\n"
    assert (added.name, added.is_runtime) == ("g2p_two", False)
    assert added.unknown_template == str(team / "template")

    add_repository(path, "gh:acme/x")
    assert path.read_text() == FULL + entry + "  - gh:acme/x\n\n# The end.\n"
    assert read_fleet(path).repositories[-1].source == "https://github.com/acme/x.git"


@pytest.mark.parametrize(
    "repositories",
    ["repositories:\n", "repositories: []\n", "", "repositories: [../a]   # one\n"],
    ids=["nothing", "empty", "no key", "flow"],
)
def test_adding_the_runtime_plugin_names_it(team: Path, tmp_path: Path, repositories: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(
        f"version: 1  # one\ntemplates:\n  - {team}/template  # ours\n{repositories}"
    )  # fmt: skip
    added = add_repository(path, str(team / "tvm_runtime_flutter"))
    assert (added.is_runtime, added.unknown_template) == (True, None)
    fleet = read_fleet(path)
    assert fleet.runtime == "tvm_runtime_flutter"
    assert [each.name for each in fleet.repositories][-1] == "tvm_runtime_flutter"
    assert len(fleet.repositories) == (2 if "../a" in repositories else 1)
    assert path.read_text().startswith("version: 1  # one\ntemplates:\n  - ")
    assert "  # ours\n" in path.read_text()


def test_a_refused_addition_leaves_the_file_alone(team: Path, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    plain = tmp_path / "plain"
    plain.mkdir()
    text = f"version: 1\ntemplates: [x]\nrepositories:\n- {team}/g2p_flutter"
    path.write_text(text)
    for source, problem in (
        (str(team / "g2p_flutter"), "two repositories are called g2p_flutter"),
        (str(team / "notes"), "is no tvmplug plugin"),
        (str(team / "broken"), "'kind' is 'banana'"),
        ("https://me:secret@example.com/a.git", "holds a password"),
    ):
        with pytest.raises(FleetError, match=problem):
            add_repository(path, source)
    assert path.read_text() == text
    with pytest.raises(FleetError, match="there is no"):
        add_repository(tmp_path / "nothing" / "fleet.yaml", str(team / "g2p_flutter"))
    assert not (tmp_path / "nothing").exists()


def test_a_plugin_in_a_larger_repository_cannot_be_added(team: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    inner = tmp_path / "plugin"
    inner.mkdir()
    (inner / "tvm_plugin.yaml").write_bytes((team / "g2p_flutter/tvm_plugin.yaml").read_bytes())
    path = tmp_path / "fleet.yaml"
    path.write_text(_small("../a"))
    with pytest.raises(FleetError, match="no git repository of its own"):
        add_repository(path, str(inner))


def test_additions_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(_small("../a"))
    sources = [f"gh:acme/r{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda source: add_repository(path, source), sources))
    names = sorted(each.name for each in read_fleet(path).repositories)
    assert names == sorted(["a", *(f"r{number}" for number in range(12))])


def test_quoted_texts_are_read_back_as_they_were() -> None:
    for text in ("no", "1.5", "a: b", "a #b", "it's", "~/x", "*x", "2024-01-01", "gh:a/b", "[x]"):
        document = config.FILE.load(Path("x"), f"a: {quoted(text)}\n")
        assert document["a"] == text
