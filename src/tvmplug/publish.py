"""Makes the two mirror repositories, `template-runtime` and `template-model`, from one tag.

A mirror holds the same tree, but for the first question: its kind is fixed, for Copier and for
Cookiecutter. A mirror only grows: each published tag adds one commit and one tag of the same name.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from tvmplug.cookiecutter_questions import cookiecutter_json
from tvmplug.errors import ProcessError, ProjectError, UsageError
from tvmplug.process import run

KINDS = ("runtime", "model")
QUESTION = "questions/kind.yml"
COOKIECUTTER = "cookiecutter.json"
_TAG = re.compile(r"v\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_BRANCH = "main"


@dataclass(frozen=True)
class Published:
    """What happened to one mirror.

    Attributes:
        repository: Its folder or address.
        tag: The tag that it has now.
        added: False when it had that tag already.
    """

    repository: str
    tag: str
    added: bool


def publish(source: Path, to: str, tag: str | None = None) -> list[Published]:
    """Bring both mirrors to a tag.

    Args:
        source: The checkout of the templates.
        to: The folder or address below which the mirrors lie; missing folders are made.
        tag: The release; None takes the tag of the checked-out commit.

    Raises:
        ProjectError: The checkout has changes, the tag is missing, or a mirror has another
            history for it.
        UsageError: The tag is no release.
        ProcessError: git failed, for example because the address cannot be reached.
    """
    source = source.resolve()
    if _git(source, "status", "--porcelain"):
        raise ProjectError(f"{source} has changes that no commit holds", mend="Commit them first")
    tag = tag or _tag_of_head(source)
    if not _TAG.fullmatch(tag):
        raise UsageError(f"'{tag}' is no release", mend="Releases are tags such as v0.2.0")
    if not _has(source, f"refs/tags/{tag}"):
        raise ProjectError(f"{source} has no tag {tag}", mend=f"git tag -a {tag} -m {tag}")
    return [_publish_one(source, _repository(to, kind), kind, tag) for kind in KINDS]


def fixed_question(kind: str, asked: str) -> str:
    """Return the first question of a mirror, from that of the source: `kind` is not asked."""
    check = next(line for line in asked.splitlines() if line.startswith("  ask: "))
    return (
        f"# Made by `tvmplug publish`: this repository makes {kind} plugins, nothing else.\n"
        f"fixed_kind:\n  type: str\n  default: {kind}\n  when: false\n\n"
        f"kind:\n  type: str\n  default: {kind}\n  when: false\n{check}\n"
    )


def _publish_one(source: Path, repository: str, kind: str, tag: str) -> Published:
    _make_if_folder(repository)
    with tempfile.TemporaryDirectory(prefix="tvmplug-publish-") as folder:
        mirror = Path(folder)
        _git(mirror, "init", "--quiet", f"--initial-branch={_BRANCH}")
        _git(mirror, "remote", "add", "origin", repository)
        _git(mirror, "fetch", "--quiet", "--tags", "origin")
        _git(mirror, "fetch", "--quiet", "--no-tags", str(source), f"refs/tags/{tag}")
        released = _git(mirror, "rev-parse", "FETCH_HEAD^{commit}")
        tree = _mirrored_tree(mirror, released, kind)
        if _has(mirror, f"refs/tags/{tag}"):
            if _git(mirror, "rev-parse", f"refs/tags/{tag}^{{tree}}") != tree:
                raise ProjectError(
                    f"{repository} has another {tag} than {source}",
                    mend="A published tag never moves: publish the change under a new tag",
                )
            return Published(repository, tag, added=False)
        parent = _newest(mirror, repository, tag)
        commit = _commit(mirror, released, tree, parent, tag)
        _tag(mirror, released, commit, tag)
        refs = [f"{commit}:refs/heads/{_BRANCH}", f"refs/tags/{tag}"]
        _git(mirror, "push", "--quiet", "--atomic", "origin", *refs)
    return Published(repository, tag, added=True)


def _mirrored_tree(mirror: Path, released: str, kind: str) -> str:
    """The released tree with the first question of a mirror; returns the tree's id."""
    _git(mirror, "read-tree", "--reset", "-u", released)
    question = mirror / QUESTION
    question.write_text(fixed_question(kind, question.read_text(encoding="utf-8")), "utf-8")
    _git(mirror, "add", QUESTION)
    door = mirror / COOKIECUTTER
    if door.exists():  # releases up to v0.3.0 have none
        door.write_text(cookiecutter_json(mirror), "utf-8")
        _git(mirror, "add", COOKIECUTTER)
    return _git(mirror, "write-tree")


def _newest(mirror: Path, repository: str, tag: str) -> str | None:
    """The mirror's last commit, on which the new one goes; None when it is empty."""
    if not _has(mirror, f"refs/remotes/origin/{_BRANCH}"):
        return None
    tags = [name for name in _git(mirror, "tag").split() if _TAG.fullmatch(name)]
    newest = max(tags, key=Version, default=tag)
    if Version(newest) > Version(tag):
        raise ProjectError(
            f"{repository} is at {newest} already, {tag} is older",
            mend="Mirrors only grow: publish a newer tag",
        )
    return f"refs/remotes/origin/{_BRANCH}"


def _commit(mirror: Path, released: str, tree: str, parent: str | None, tag: str) -> str:
    parents = ["-p", parent] if parent else []
    message = f"{tag}\n\nMade from {released}."
    return _git(mirror, "commit-tree", tree, *parents, "-m", message, env=_dates(mirror, released))


def _tag(mirror: Path, released: str, commit: str, tag: str) -> None:
    _git(mirror, "tag", "--annotate", "-m", tag, tag, commit, env=_dates(mirror, released))


def _dates(mirror: Path, released: str) -> dict[str, str]:
    """The release's own date: publishing twice makes the same commit."""
    date = _git(mirror, "show", "--no-patch", "--format=%cI", released)
    return {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}


def _repository(to: str, kind: str) -> str:
    base = to.rstrip("/") if _is_address(to) else str(Path(to).expanduser().absolute())
    return f"{base}/template-{kind}.git"


def _is_address(to: str) -> bool:
    return "://" in to or re.match(r"[\w.-]+@[\w.-]+:", to) is not None


def _make_if_folder(repository: str) -> None:
    if _is_address(repository) or Path(repository).exists():
        return
    Path(repository).mkdir(parents=True)
    _git(Path(repository), "init", "--quiet", "--bare", f"--initial-branch={_BRANCH}")


def _tag_of_head(source: Path) -> str:
    tags = [name for name in _git(source, "tag", "--points-at", "HEAD").split() if "v" in name]
    if not tags:
        raise ProjectError(
            f"the checked-out commit of {source} has no tag",
            mend="Tag the release (git tag -a v0.2.0 -m v0.2.0), or name one with --tag",
        )
    return tags[-1]


def _has(repository: Path, reference: str) -> bool:
    found = run(
        ["git", "rev-parse", "--verify", "--quiet", reference],
        cwd=repository,
        echo=False,
        check=False,
    )
    return found.returncode == 0


def _git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    shown = arguments[0] in {"fetch", "push"}
    try:
        return run(["git", *arguments], cwd=folder, env=env, echo=shown).stdout.strip()
    except ProcessError as error:
        if "not a git repository" in str(error):
            raise ProjectError(
                f"{folder} is no git repository", mend="Run it in a checkout of the templates"
            ) from error
        raise
