"""The versions of the templates: mirrored once per run, checked out once per commit.

A mirror has the branches and tags of its source as they are now. Tags seen earlier are kept under
`refs/seen/`, so that a project which records one that has vanished can still be updated; no update
goes to one.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from pathlib import Path

from copier._template import Template
from copier._vcs import get_repo, valid_version
from packaging.version import Version
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug import files
from tvmplug.errors import FleetError, ProcessError
from tvmplug.fleet import addresses
from tvmplug.fleet.git import NO_HOOKS, file_at, git, resolve
from tvmplug.fleet.records import Checkout

PINS = "src/tvmplug/pins.yml"
_LOCK_TIMEOUT_S = 900  # another run may be fetching a template for the first time
_SEEN = "refs/seen"
_HEAD = f"{_SEEN}/HEAD"


class TemplateStore:
    """All versions of all templates that one run needs.

    Args:
        folder: Where mirrors and checkouts are kept between runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._mirrors: dict[str, Path] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._checkouts: dict[tuple[str, str], Checkout] = {}

    def newest(self, source: str, *, ref: str | None = None, tvm: str | None = None) -> Checkout:
        """Return the version that an update goes to.

        Args:
            source: The template as projects record it.
            ref: A tag, branch or commit, as in `copier update --vcs-ref`; None for Copier's rule:
                the highest tag that is no prerelease, or the newest commit when there is none.
            tvm: A version of TVM: the highest tag that pins it.

        Raises:
            FleetError: The template cannot be reached, there is no such version, or none pins
                that TVM.
        """
        mirror = self._mirror(source)
        if ref is None and tvm is not None:
            return self._pinning(source, mirror, tvm)
        tags = self.versions(source)
        wanted = ref or (tags[0] if tags else _HEAD)
        commit = resolve(mirror, wanted)
        if commit is None:
            raise FleetError(
                f"the template {_shown(source)} has no tag, branch or commit '{wanted}'",
                mend=f"It has {_some(tags)}",
            )
        checkout = self._checkout(source, mirror, commit, None)
        if tvm is not None and checkout.tvm != tvm:
            raise FleetError(
                f"{wanted} of the template {_shown(source)} pins TVM {checkout.tvm}, not {tvm}",
                mend="Leave out one of the two options",
            )
        return checkout

    def at(self, source: str, commit_text: str) -> Checkout:
        """Return the version that a project records.

        Args:
            source: The template, its `_src_path`.
            commit_text: Its `_commit`: a tag, or what `git describe` says of a commit.

        Raises:
            FleetError: The template cannot be reached, or has no such version (any more).
        """
        mirror = self._mirror(source)
        commit = resolve(mirror, commit_text)
        if commit is not None:
            return self._checkout(source, mirror, commit, None)
        commit = resolve(mirror, f"{_SEEN}/tags/{commit_text}")
        if commit is not None:
            return self._checkout(source, mirror, commit, commit_text)
        raise FleetError(
            f"the template {_shown(source)} has no version {commit_text} (any more), which the "
            "project records as the one it was made from",
            mend=f"Push that tag to the template again, or set _commit in .copier-answers.yml to "
            f"the version nearest to it: it has {_some(self.versions(source))}",
        )

    def versions(self, source: str) -> tuple[str, ...]:
        """Return the tags that are versions and no prereleases, highest first.

        Raises:
            FleetError: The template cannot be reached.
        """
        mirror = self._mirror(source)
        if source not in self._tags:
            names = git(mirror, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
            tags = [tag for tag in names.splitlines() if valid_version(tag)]
            finals = [tag for tag in tags if not Version(tag).is_prerelease]
            self._tags[source] = tuple(sorted(finals, key=Version, reverse=True))
        return self._tags[source]

    def _pinning(self, source: str, mirror: Path, tvm: str) -> Checkout:
        """The highest tag that pins a TVM."""
        pinned: dict[str, str | None] = {}
        for tag in self.versions(source):
            pinned[tag] = _tvm_of(file_at(mirror, f"refs/tags/{tag}", PINS))
            if pinned[tag] == tvm:
                commit = resolve(mirror, f"refs/tags/{tag}")
                if commit is not None:
                    return self._checkout(source, mirror, commit, None)
        known = ", ".join(f"{tag} pins {pin}" for tag, pin in pinned.items() if pin is not None)
        raise FleetError(
            f"no version of the template {_shown(source)} pins TVM {tvm}",
            mend=f"Name one that is pinned: {known or 'none pins any'}",
        )

    def _mirror(self, source: str) -> Path:
        """The mirror, fetched when this run has not done so yet."""
        if source not in self._mirrors:
            address = _address(source)
            digest = hashlib.sha256(addresses.without_credentials(address).encode()).hexdigest()
            name = re.sub(r"[^A-Za-z0-9_.-]", "_", addresses.last_part(source)) or "template"
            mirror = self._folder / f"{name}-{digest[:12]}" / "mirror.git"
            with files.locked(mirror, timeout_s=_LOCK_TIMEOUT_S):
                _fetch(mirror, address, source)
            self._mirrors[source] = mirror
        return self._mirrors[source]

    def _checkout(self, source: str, mirror: Path, commit: str, seen: str | None) -> Checkout:
        key = (source, commit)
        if key not in self._checkouts:
            path = mirror.parent / commit
            with files.locked(mirror, timeout_s=_LOCK_TIMEOUT_S):
                _make_checkout(mirror, commit, path)
            pins = path / PINS
            tvm = _tvm_of(pins.read_bytes()) if pins.is_file() else None
            described, version = _as_copier_says(path, seen)
            self._checkouts[key] = Checkout(
                source=source,
                commit=commit,
                described=described,
                version=version,
                path=path,
                tvm=tvm,
            )
        return self._checkouts[key]


def _address(source: str) -> str:
    """What git fetches from, by Copier's own rule."""
    try:
        address = get_repo(source)
    except OSError:
        address = None
    if address is None:
        raise FleetError(
            f"the template {_shown(source)} is no git repository",
            mend="Put it where fleet.yaml says, or correct `templates:` there and _src_path in "
            "the project's .copier-answers.yml",
        )
    # git takes a relative folder from where it runs.
    return address if addresses.is_address(address) else str(Path(address).absolute())


def _fetch(mirror: Path, address: str, source: str) -> None:
    """Make a mirror's branches and tags those of its source, and remember the tags."""
    if not (mirror / "HEAD").exists():
        mirror.parent.mkdir(parents=True, exist_ok=True)
        git(mirror.parent, "init", "--quiet", "--bare", "--template=", mirror)
        # Checkouts borrow its objects, also those that no branch has any more.
        git(mirror, "config", "gc.auto", "0")
    wanted = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", f"+HEAD:{_HEAD}")
    try:
        git(
            mirror, *NO_HOOKS, "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head",
            "--update-head-ok", "--no-recurse-submodules", "--", address, *wanted,
            env={"GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
    except ProcessError as error:
        raise FleetError(
            f"the template {_shown(source)} cannot be fetched: {error.message.partition(': ')[2]}",
            mend="Look whether it is there, has a commit, and you may read it: "
            f"git ls-remote {_shown(source)}",
        ) from error
    git(mirror, "fetch", "--quiet", "--no-tags", ".", f"+refs/tags/*:{_SEEN}/tags/*")


def _make_checkout(mirror: Path, commit: str, path: Path) -> None:
    """Check a commit out into a folder that appears whole, with the tags as they are now."""
    if not path.exists():
        half_made = path.with_name(f".{commit}")
        shutil.rmtree(half_made, ignore_errors=True)
        git(
            mirror, "clone", "--quiet", "--shared", "--no-checkout", "--template=", "--",
            mirror, half_made,
        )  # fmt: skip
        git(half_made, *NO_HOOKS, "checkout", "--quiet", "--force", "--detach", commit)
        if (half_made / ".gitmodules").exists():
            git(
                half_made, *NO_HOOKS, "submodule", "--quiet", "update", "--checkout", "--init",
                "--recursive", "--force",
            )  # fmt: skip
        with files.file_errors(path):
            half_made.rename(path)
    git(path, "fetch", "--quiet", "--prune", "--no-tags", mirror, "+refs/tags/*:refs/tags/*")


def _as_copier_says(path: Path, seen: str | None) -> tuple[str, str | None]:
    """What Copier records of a checkout, and the version that it compares."""
    if seen is not None:  # its tag is gone, so git cannot tell
        return seen, str(Version(seen)) if valid_version(seen) else None
    template = Template(url=str(path))
    template.__dict__["local_abspath"] = path
    with contextlib.suppress(ValueError):
        return str(template.commit), None if template.version is None else str(template.version)
    return str(template.commit), None


def _tvm_of(pins: bytes | None) -> str | None:
    """The TVM that a pins.yml names; None when it is no pins.yml."""
    if pins is None:
        return None
    try:
        return str(YAML(typ="safe").load(pins)["tvm_version"]["default"])
    except (YAMLError, KeyError, TypeError, UnicodeDecodeError):
        return None


def _shown(source: str) -> str:
    return addresses.without_credentials(source)


def _some(tags: tuple[str, ...]) -> str:
    more = ", ..." if len(tags) > 6 else ""
    return ", ".join(tags[:6]) + more if tags else "no versions"
