"""The gates, each on its own: real git where they ask git."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.templates.conftest import commit, git
from tvmplug import names
from tvmplug.fleet import gates
from tvmplug.fleet.gates import RefusedError
from tvmplug.fleet.records import Change, Reason
from tvmplug.manifest import Manifest, parse_manifest

MANIFEST = """\
kind: model
name: g2p_flutter
organisation: com.example
prefix: {prefix}
components: [model]
source: relax
runtime: {{from: path, path: ../tvm_runtime_flutter}}
platforms: [linux]
tvm: {tvm}
tvm_ffi: 0.1.15
"""
WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,4}){0,2}_", fullmatch=True)


def manifest(prefix: str = "g2p_", tvm: str = "0.27.0") -> Manifest:
    text = MANIFEST.format(prefix=prefix, tvm=tvm)
    return parse_manifest(text.encode(), Path("/plugins/g2p_flutter"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    commit(tmp_path, "First")
    return tmp_path


def base(tree: Path) -> str:
    return git(tree, "rev-parse", "HEAD")


def test_a_clean_update_has_no_conflict(tree: Path) -> None:
    (tree / "a.txt").write_text("one\nthree\n")
    (tree / "b.txt").write_text("new\n")
    gates.no_conflict(tree)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.txt", "<<<<<<< before updating\none\n=======\ntwo\n>>>>>>> after updating\n"),
        ("new.txt", "<<<<<<< before updating\r\none\r\n=======\r\n>>>>>>> after updating\r\n"),
        ("a.txt.rej", "--- a.txt\n+++ a.txt\n"),
        ("deep/ignored.rej", "--- a.txt\n"),
    ],
)
def test_markers_and_rejected_hunks_are_conflicts(path: str, content: str, tree: Path) -> None:
    (tree / ".gitignore").write_text("deep/\n")
    commit(tree, "Ignore")
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_bytes(content.encode())
    with pytest.raises(RefusedError) as caught:
        gates.no_conflict(tree)
    assert caught.value.reason is Reason.CONFLICT
    assert caught.value.details == (path,)


def test_an_unmerged_entry_of_the_index_is_a_conflict_without_any_marker(tree: Path) -> None:
    git(tree, "checkout", "--quiet", "-b", "other")
    (tree / "a.txt").write_text("one\nother\n")
    commit(tree, "Other")
    git(tree, "checkout", "--quiet", "main")
    (tree / "a.txt").write_text("one\nmine\n")
    commit(tree, "Mine")
    with pytest.raises(Exception, match="exit status 1"):
        git(tree, "merge", "--quiet", "other")
    (tree / "a.txt").write_text("solved, but not added\n")
    with pytest.raises(RefusedError) as caught:
        gates.no_conflict(tree)
    assert caught.value.details == ("a.txt",)


def test_words_like_markers_in_a_text_are_no_conflict(tree: Path) -> None:
    (tree / "a.txt").write_text("see <<<<<<< before updating in the docs\n")
    gates.no_conflict(tree)


@given(own=WORDS, others=st.dictionaries(st.sampled_from("abcdef"), WORDS, max_size=4))
def test_a_prefix_passes_exactly_when_it_nests_with_no_other(
    own: str, others: dict[str, str]
) -> None:
    nests = any(own.startswith(each) or each.startswith(own) for each in others.values())
    held = {"itself": own, **others}
    try:
        checked = manifest(own)
    except Exception:
        return
    if nests:
        with pytest.raises(RefusedError, match="collides with"):
            gates.own_prefix(checked, "itself", held)
    else:
        gates.own_prefix(checked, "itself", held)
    assert nests == any(names.conflicts(own, each) for each in others.values())


def test_one_pin_holds_for_template_plugin_and_runtime() -> None:
    gates.one_pin(manifest(), "0.27.0", "0.27.0")
    gates.one_pin(manifest(), None, None)
    with pytest.raises(RefusedError, match=r"its template pins 0\.28\.0"):
        gates.one_pin(manifest(), "0.28.0", "0.27.0")
    with pytest.raises(RefusedError, match=r"the runtime plugin is at 0\.26\.0"):
        gates.one_pin(manifest(), "0.27.0", "0.26.0")


def change(path: str, status: str = "M") -> Change:
    return Change(status=status, path=path, added=1, removed=1)


def test_a_formatter_that_is_missing_is_a_notice(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = base(tree)
    monkeypatch.setenv("PATH", "/nowhere")
    notices = gates.formatted(tree, before, before, [change("lib/a.dart")])
    assert notices == (".dart files were not checked: dart is not installed",)


def test_rust_that_cannot_be_parsed_is_refused_but_not_where_it_was_so_before(tree: Path) -> None:
    (tree / "a.rs").write_text("fn main() {}\n")
    (tree / "b.rs").write_text("fn broken( {\n")
    commit(tree, "Rust")
    before = base(tree)
    (tree / "a.rs").write_text("fn main( {\n")
    (tree / "b.rs").write_text("fn still broken( {\n")
    git(tree, "add", "--all")
    after = git(tree, "write-tree")
    gates.formatted(tree, before, after, [change("b.rs")])
    with pytest.raises(RefusedError) as caught:
        gates.formatted(tree, before, after, [change("a.rs")])
    assert caught.value.details == ("a.rs",)
    assert (tree / "b.rs").read_text() == "fn still broken( {\n"
