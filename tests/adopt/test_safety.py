"""Nothing of an author's is lost: refusals, failures in the middle, and whatever files."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adopt import plugins
from tests.adopt.conftest import adopt, existing, state
from tests.adopt.objects import RUNTIME, apple_archive, elf_library
from tests.templates.conftest import git
from tvmplug.adopt import apply
from tvmplug.adopt.find import find
from tvmplug.adopt.plan import decide
from tvmplug.adopt.rendering import Rendered, render
from tvmplug.adopt.survey import look
from tvmplug.cli import main
from tvmplug.errors import AdoptError

PUBSPEC = "name: g2p_flutter\r\nversion: 1.0.0\r\n# mine\r\n"
SMALL: plugins.Files = {"pubspec.yaml": PUBSPEC, "assets/a.so": elf_library(*RUNTIME)}


@pytest.fixture(scope="module")
def rendered(template: Path) -> Rendered:
    answers = {"kind": "model", "plugin_name": "g2p_flutter"}
    return render(str(template), answers, "g2p_flutter", vcs_ref=None)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return existing(tmp_path / "g2p_flutter", SMALL)


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """The one line with which an adoption is refused; nothing may change."""
    before = state(folder) if (folder / ".git").exists() else plugins.read(folder)
    assert main(["adopt", str(folder), "--apply", *more]) == AdoptError.exit_code
    assert before == (state(folder) if (folder / ".git").exists() else plugins.read(folder))
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    return told[0]


def test_what_is_in_no_repository_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(plugins.write(tmp_path, SMALL), capsys)
    assert "in no git repository with a commit" in told
    assert "git init" in told


@pytest.mark.parametrize("name", ["new.txt", "pubspec.yaml"])
def test_changes_that_are_not_committed_are_refused(
    small: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (small / name).write_text(PUBSPEC + "# more\n")
    told = refused(small, capsys)
    assert f"not committed ({name})" in told
    assert "git stash" in told


def test_a_second_adoption_is_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(small, "branch", "tvmplug/adopt")
    assert "git branch -D tvmplug/adopt" in refused(small, capsys)


def test_a_plugin_of_another_template_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**SMALL, ".copier-answers.yml": "_src_path: gh:someone/else\n"}
    told = refused(existing(tmp_path / "g2p_flutter", files), capsys)
    assert "another Copier template" in told


@pytest.mark.parametrize("data", ["plugin_name=other", "kind=runtime"])
def test_adoption_renames_nothing(
    small: Path, capsys: pytest.CaptureFixture[str], data: str
) -> None:
    assert main(["adopt", str(small), "--data", data]) == 2
    assert "adoption keeps" in capsys.readouterr().err


def test_nothing_to_adopt_is_no_failure(tmp_path: Path) -> None:
    plugins.write(tmp_path / "a", {"pubspec.yaml": PUBSPEC})
    plugins.write(tmp_path / "b", {**SMALL, "tvm_plugin.yaml": "kind: model\n"})
    plugins.write(tmp_path / "app", {**SMALL, "lib/main.dart": "void main() {}"})
    code, told = adopt(tmp_path)
    assert code == 0
    assert told["plugins"] == []
    assert set(told["nothing_to_adopt"]) == {"a", "app", "b"}


@pytest.mark.slow
def test_a_failure_leaves_the_repository_as_it_was(
    small: Path, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(small, "branch", "tvmplug")  # so there is no room for tvmplug/adopt
    told = refused(small, capsys, "--template", str(template))
    assert "refs/heads/tvmplug" in told


@pytest.mark.slow
def test_plugins_of_one_repository_are_one_commit_in_their_folders(
    template: Path, tmp_path: Path
) -> None:
    top = existing(
        tmp_path / "mono",
        {
            "README.md": "# Both\n",
            "plugins/a_flutter/pubspec.yaml": "name: a_flutter\n",
            "plugins/a_flutter/assets/t.a": apple_archive(*RUNTIME),
            "plugins/b_flutter/pubspec.yaml": "name: b_flutter\n",
            "plugins/b_flutter/assets/t.a": apple_archive(*RUNTIME),
        },
    )
    code, told = adopt(top / "plugins", "--apply", "--template", template)
    assert code == 0
    assert len(told["applied"]) == 1
    assert git(top, "rev-list", "--count", "HEAD..tvmplug/adopt") == "1"
    names = git(top, "diff", "--name-only", "HEAD", "tvmplug/adopt").splitlines()
    assert {name.split("/")[1] for name in names} == {"a_flutter", "b_flutter"}
    assert "plugins/b_flutter/assets/t.a" in names
    copies = [f["what"] for f in told["plugins"][1]["findings"] if f["kind"] == "copy"]
    assert copies == ["the same library as a_flutter/assets/t.a, byte for byte"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"model": "a file"}, "model is a file, and the template has a folder"),
        ({"linux/CMakeLists.txt/x": ""}, "linux/CMakeLists.txt is a folder"),
    ],
)
def test_a_file_where_the_template_has_a_folder_is_told(
    tmp_path: Path, rendered: Rendered, files: dict[str, str], says: str
) -> None:
    survey = look(plugins.write(tmp_path, {**SMALL, **files}))
    with pytest.raises(AdoptError, match=says):
        decide(survey, find(survey), rendered)


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path, rendered: Rendered) -> None:
    plugins.write(tmp_path, {**SMALL, "ios/x.txt": ""})
    (tmp_path / "darwin").symlink_to("ios")
    survey = look(tmp_path)
    with pytest.raises(AdoptError, match="darwin is a link"):
        decide(survey, find(survey), rendered)


def test_a_link_to_a_runtime_goes_with_it(tmp_path: Path, rendered: Rendered) -> None:
    plugins.write(tmp_path, SMALL)
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux/t.so").symlink_to("../assets/a.so")
    (tmp_path / "linux/p.so").symlink_to("../pubspec.yaml")
    survey = look(tmp_path)
    plan = decide(survey, find(survey), rendered)
    assert {c.path for c in plan.changes if c.after is None} == {"assets/a.so", "linux/t.so"}


def test_what_git_ignores_is_left_to_the_author(tmp_path: Path, rendered: Rendered) -> None:
    files = {**SMALL, ".gitignore": "*.so\n", "assets/b.a": apple_archive(*RUNTIME)}
    folder = existing(tmp_path / "g2p_flutter", files)
    survey = look(folder, apply.ignored_in(folder))
    plan = decide(survey, find(survey), rendered)
    assert {c.path for c in plan.changes if c.after is None} == {"assets/b.a"}


WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=8
).filter(lambda word: word.strip(". ") and word.lower() != ".git")
# Names that the template or another tool's glue has too, and any others.
NAMES = st.one_of(
    st.sampled_from(
        [".gitignore", "rust/src/lib.rs", "rust/src/api.rs", "linux/CMakeLists.txt", "README.md",
         "android/build.gradle", "ios/g2p_flutter.podspec", "model/export.py", "assets/b.bin",
         "lib/src/plugin.dart", "example/a.txt", "lib/g2p_flutter.dart", "LICENSE.txt",
         "tool/build.sh", "cargokit/x.sh", "rust/build.rs", "assets/libtvm_runtime.so"]
    ),
    st.lists(WORDS, min_size=1, max_size=3).map("/".join),
)  # fmt: skip
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(["a", "é", "libtvm.so", "\r\n", "\n", "\r", " ", "#"])).map(
        lambda parts: "".join(parts).encode()
    ),
)
FOLDERS = {"rust", "linux", "model", "lib", "android", "darwin", "test", ".github"}
GONE = {"android/build.gradle", "ios/g2p_flutter.podspec", "cargokit/x.sh"}


def fitting(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without those whose folder is a file, and those where the template has the other."""
    kept: dict[str, bytes] = {}
    for path in sorted(files):
        head = path.split("/")[0]
        if head in FOLDERS and path not in NAMED:
            continue
        if not any(path.startswith(f"{other}/") for other in kept):
            kept[path] = files[path]
    return kept


NAMED = {
    "rust/src/lib.rs", "rust/src/api.rs", "rust/build.rs", "linux/CMakeLists.txt",
    "model/export.py", "lib/src/plugin.dart", "lib/g2p_flutter.dart", *GONE,
}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(files=st.dictionaries(NAMES, CONTENTS, max_size=8))
def test_whatever_an_author_has_only_what_was_told_changes(
    rendered: Rendered, files: dict[str, bytes]
) -> None:
    with TemporaryDirectory() as scratch:
        own = fitting(files)
        folder = existing(Path(scratch, "g2p_flutter"), {**own, **SMALL})
        git(folder, "config", "core.quotePath", "false")
        survey = look(folder, apply.ignored_in(folder))
        plan = decide(survey, find(survey), rendered)
        before = state(folder)
        apply.apply([(apply.check_ready(folder), plan)], "Adopted")
        raw = subprocess.run(
            ["git", "diff", "--name-only", "-z", "--no-renames", "HEAD", "tvmplug/adopt"],
            cwd=folder, check=True, capture_output=True,
        ).stdout  # fmt: skip
        changed = {path.decode() for path in raw.split(b"\0") if path}
        told = {change.path for change in plan.changes}
        assert changed == told
        allowed = (rendered.files.keys() - rendered.starters) | GONE | SMALL.keys()
        touched = {path for path in told if path in own or path in SMALL}
        assert touched <= allowed
        for change in plan.changes:  # a source that the template has too is kept beside
            if change.path in ("rust/src/lib.rs", "lib/src/plugin.dart") and change.before:
                kept = plan.change_of(f"{change.path}.before-adopt")
                assert change.before.text is None or (
                    kept is not None and kept.after == own[change.path]
                )
        git(folder, "branch", "-D", "tvmplug/adopt")
        assert state(folder) == before
