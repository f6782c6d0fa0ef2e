"""Templates: Copier's rule for the newest, TVM picks a version, vanished tags, broken sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier._main import Worker

from tests.templates.conftest import commit, git
from tvmplug.errors import FleetError
from tvmplug.fleet.templates import TemplateStore

from . import small


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return small.small_template(tmp_path / "template")


@pytest.fixture
def store(tmp_path: Path) -> TemplateStore:
    return TemplateStore(tmp_path / "store")


def test_the_newest_is_the_highest_tag_that_is_no_prerelease(
    template: Path, store: TemplateStore
) -> None:
    small.release(template, "v0.10.0", tvm="0.28.0")
    small.release(template, "v0.9.0")
    small.release(template, "v0.11.0rc1")
    git(template, "tag", "nightly")
    newest = store.newest(str(template))
    assert (newest.described, newest.version, newest.tvm) == ("v0.10.0", "0.10.0", "0.28.0")
    assert newest.commit == git(template, "rev-parse", "v0.10.0^{commit}")
    assert store.versions(str(template)) == ("v0.10.0", "v0.9.0", "v0.1.0")
    assert "0.28.0" in (newest.path / "src/tvmplug/pins.yml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("ref", ["v0.1.0", "main", "HEAD~1", "side", "light"])
def test_a_checkout_says_what_copier_would_record(
    template: Path, store: TemplateStore, ref: str, tmp_path: Path
) -> None:
    git(template, "tag", "light", "v0.1.0^{commit}")
    (template / "more").write_text("1")
    commit(template, "More")
    git(template, "branch", "side")
    (template / "more").write_text("2")
    commit(template, "Still more")
    if "~" in ref:
        ref = git(template, "rev-parse", ref)
    with Worker(src_path=str(template), dst_path=tmp_path / "p", vcs_ref=ref) as worker:
        expected = (worker.template.commit, worker.template.commit_hash, worker.template.version)
    found = store.newest(str(template), ref=ref)
    assert (found.described, found.commit, found.version) == (
        expected[0], expected[1], str(expected[2])
    )  # fmt: skip
    assert store.at(str(template), found.described) == found


def test_a_template_without_versions_is_taken_at_its_newest_commit(
    template: Path, store: TemplateStore
) -> None:
    git(template, "tag", "--delete", "v0.1.0")
    assert store.newest(str(template)).commit == git(template, "rev-parse", "HEAD")


def test_a_tvm_picks_the_highest_version_that_pins_it(template: Path, store: TemplateStore) -> None:
    small.release(template, "v0.2.0", tvm="0.28.0")
    small.release(template, "v0.3.0", tvm="0.28.0")
    small.release(template, "v0.4.0", tvm="0.29.0")
    found = store.newest(str(template), tvm="0.28.0")
    assert (found.described, found.tvm) == ("v0.3.0", "0.28.0")
    with pytest.raises(FleetError, match=r"pins TVM 0\.30") as caught:
        store.newest(str(template), tvm="0.30.0")
    assert caught.value.mend is not None
    assert "v0.4.0 pins 0.29.0" in caught.value.mend
    with pytest.raises(FleetError, match=r"pins TVM 0\.29\.0, not 0\.28\.0"):
        store.newest(str(template), ref="v0.4.0", tvm="0.28.0")


def test_a_vanished_tag_that_was_seen_still_serves_and_is_never_the_newest(
    template: Path, tmp_path: Path
) -> None:
    small.release(template, "v0.2.0")
    small.release(template, "v0.3.0")
    seen = TemplateStore(tmp_path / "store").at(str(template), "v0.3.0")
    git(template, "tag", "--delete", "v0.3.0")
    git(template, "reset", "--quiet", "--hard", "v0.2.0")
    later = TemplateStore(tmp_path / "store")
    assert later.newest(str(template)).described == "v0.2.0"
    assert later.at(str(template), "v0.3.0") == seen


def test_a_version_that_never_was_seen_is_told_with_what_there_is(
    template: Path, store: TemplateStore
) -> None:
    with pytest.raises(FleetError, match=r"has no version v0\.7\.0 \(any more\)") as caught:
        store.at(str(template), "v0.7.0")
    assert caught.value.mend is not None
    assert "it has v0.1.0" in caught.value.mend
    with pytest.raises(FleetError, match="no tag, branch or commit 'nothing'"):
        store.newest(str(template), ref="nothing")


def test_a_moved_tag_is_followed(template: Path, tmp_path: Path) -> None:
    before = TemplateStore(tmp_path / "store").newest(str(template))
    (template / "more").write_text("1")
    commit(template, "More")
    git(template, "tag", "--force", "--annotate", "v0.1.0", "--message", "again")
    after = TemplateStore(tmp_path / "store").newest(str(template))
    assert after.commit == git(template, "rev-parse", "HEAD") != before.commit
    assert after.described == "v0.1.0"
    assert not (before.path / "more").exists()


def test_one_run_sees_one_state_of_a_template(template: Path, store: TemplateStore) -> None:
    first = store.newest(str(template))
    small.release(template, "v0.2.0")
    assert store.newest(str(template)) == first


@pytest.mark.parametrize("what", ["missing", "empty", "folder"])
def test_a_source_that_is_no_template_is_one_line(
    what: str, store: TemplateStore, tmp_path: Path
) -> None:
    source = tmp_path / what
    if what != "missing":
        source.mkdir()
    if what == "empty":
        git(source, "init", "--quiet")
    with pytest.raises(FleetError) as caught:
        store.newest(str(source))
    assert str(source) in caught.value.message
    assert caught.value.mend
    assert "\n" not in str(caught.value)


def test_an_unreachable_address_is_told_without_its_password(store: TemplateStore) -> None:
    with pytest.raises(FleetError) as caught:
        store.newest("https://me:secret@localhost:1/nothing.git")
    assert "secret" not in str(caught.value)
    assert "cannot be fetched" in caught.value.message
