"""releases.yml names every release once, in order, by commits that this history holds."""

from __future__ import annotations

import itertools
import re

import pytest
from packaging.version import Version

from tests.fleet.releases import need_history as skip_without_history
from tests.fleet.releases import next_version, read_releases
from tests.templates.conftest import REPOSITORY, git

RELEASES = read_releases()


@pytest.fixture
def _history() -> None:
    skip_without_history()


def test_versions_are_tags_and_rise() -> None:
    assert RELEASES
    versions = [release.version for release in RELEASES]
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", version) for version in versions)
    numbers = [Version(version) for version in versions]
    assert numbers == sorted(set(numbers))
    assert Version(next_version()) > numbers[-1]


def test_commits_are_full_hashes_each_named_once() -> None:
    commits = [release.commit for release in RELEASES]
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in commits)
    assert len(set(commits)) == len(commits)


@pytest.mark.usefixtures("_history")
def test_every_release_follows_the_one_before_and_is_part_of_this_history() -> None:
    line = [release.commit for release in RELEASES] + ["HEAD"]
    for before, after in itertools.pairwise(line):
        git(REPOSITORY, "merge-base", "--is-ancestor", before, after)


@pytest.mark.usefixtures("_history")
def test_a_tag_of_this_clone_means_the_commit_that_the_file_names() -> None:
    tags = git(REPOSITORY, "tag", "--list").split()
    for release in RELEASES:
        if release.version in tags:
            assert git(REPOSITORY, "rev-parse", f"{release.version}^{{}}") == release.commit


@pytest.mark.usefixtures("_history")
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_every_release_holds_both_templates(release) -> None:
    names = git(REPOSITORY, "ls-tree", "--name-only", release.commit).split()
    assert {"copier.yml", "template-runtime", "template-model"} <= set(names)
