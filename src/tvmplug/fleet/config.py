"""Reads fleet.yaml: which plugins a team keeps, and which templates may run.

People edit the file by hand, so every mistake is told by file and line. `config_write` writes it.
"""

from __future__ import annotations

import difflib
import enum
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.comments import CommentedMap

from tvmplug.edited_yaml import EditedYaml
from tvmplug.errors import FleetError, UsageError
from tvmplug.fleet import addresses
from tvmplug.fleet.config_repositories import Defaults
from tvmplug.fleet.config_values import Values, nearest
from tvmplug.fleet.records import Repository

FLEET_NAME = "fleet.yaml"
VERSION = 1
FILE = EditedYaml("fleet file", FleetError, "Make one with `tvmplug fleet init`")
_KEYS = ("version", "templates", "runtime", "defaults", "repositories")


class Host(enum.Enum):
    """Who takes pull requests for a repository."""

    AUTO = "auto"  # told by the remote's address
    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A fleet.yaml.

    Attributes:
        path: The file.
        templates: The only sources that an update may run, as git takes them.
        runtime: The name of the runtime plugin's repository; None while there is none.
        repositories: In the file's order.
        hosts: Who takes each repository's pull requests, by its name.
    """

    path: Path
    templates: tuple[str, ...]
    runtime: str | None
    repositories: tuple[Repository, ...]
    hosts: Mapping[str, Host]


def find_fleet(explicit: Path | None = None) -> Path:
    """Return the fleet file to use.

    Args:
        explicit: What `--fleet` says: the file, or its folder.

    Returns:
        The file, absolute; without `explicit` the nearest one from this folder upwards.

    Raises:
        FleetError: There is none.
    """
    if explicit is not None:
        path = explicit.expanduser().absolute()
        path = path / FLEET_NAME if path.is_dir() else path
        if not path.is_file():
            raise FleetError(f"there is no fleet file at {path}", mend=FILE.missing)
        return path
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FLEET_NAME).is_file():
            return folder / FLEET_NAME
    raise FleetError(
        f"there is no {FLEET_NAME} in {here} or above",
        mend="Name it with --fleet, or make one with `tvmplug fleet init`",
    )


def read_fleet(path: Path) -> Fleet:
    """Read a fleet file.

    A repository whose folder is not there is no error here: it is told for that repository.

    Raises:
        FleetError: It cannot be read, or something in it is wrong; says the line and the mend.
    """
    path = path.absolute()
    return parse_fleet(path, FILE.read(path))


def parse_fleet(path: Path, text: str, *, may_be_empty: bool = False) -> Fleet:
    """Read a fleet file's text; `path` says where it lies or will lie.

    Args:
        path: The file.
        text: Its content.
        may_be_empty: Take a fleet without repositories too.

    Raises:
        FleetError: Something in it is wrong; says the line and the mend.
    """
    document = FILE.load(path, text)
    values = Values(path)
    values.known(document, _KEYS, "a fleet file")
    if document.get("version") != VERSION:
        raise values.wrong(
            document,
            "version",
            f"version is {document.get('version')!r}, this tvmplug reads {VERSION}",
            f"Write `version: {VERSION}`, or use the tvmplug that wrote the file",
        )
    templates = values.texts(document, "templates")
    if not templates:
        raise values.wrong(
            document,
            "templates",
            "it names no template, so no update may run",
            "List the templates' addresses under `templates:`",
        )
    defaults = Defaults.read(values, document.get("defaults"), document)
    repositories, hosts = defaults.repositories(document, _runtime(values, document))
    if not repositories and not may_be_empty:
        raise values.wrong(
            document, "repositories", "it names no repository", "Add one: tvmplug fleet add FOLDER"
        )
    return Fleet(
        path=path,
        templates=tuple(addresses.expand(each, path.parent) for each in templates),
        runtime=_runtime(values, document),
        repositories=repositories,
        hosts={name: Host(host) for name, host in hosts.items()},
    )


def choose(
    fleet: Fleet, only: Iterable[str] = (), groups: Iterable[str] = ()
) -> tuple[Repository, ...]:
    """Return the repositories that `--only` and `--group` pick, in the file's order.

    Args:
        fleet: The fleet.
        only: Names, or patterns with `*`, `?` and `[...]`; empty for all.
        groups: Names of groups, of which one is enough; empty for all. Both must hold.

    Raises:
        UsageError: A name, pattern or group picks nothing; says what is near.
    """
    only, groups = list(only), list(groups)
    names = [each.name for each in fleet.repositories]
    for pattern in only:
        if not fnmatch.filter(names, pattern):
            raise _unknown("repository", pattern, names)
    known = sorted({group for each in fleet.repositories for group in each.groups})
    for group in groups:
        if group not in known:
            raise _unknown("group", group, known)
    return tuple(
        each
        for each in fleet.repositories
        if (not only or any(fnmatch.fnmatchcase(each.name, pattern) for pattern in only))
        and (not groups or not set(groups).isdisjoint(each.groups))
    )


def named_source(fleet: Fleet, src_path: str) -> str | None:
    """Return the fleet's own spelling of a project's template; None when it is not in the fleet.

    Args:
        fleet: The fleet.
        src_path: `_src_path` of the project's answers.
    """
    root = fleet.path.parent
    wanted = addresses.canonical(src_path, root)
    return next(
        (each for each in fleet.templates if addresses.canonical(each, root) == wanted), None
    )


def names_source(fleet: Fleet, src_path: str) -> bool:
    """Tell whether a project's `_src_path` is one of the fleet's templates."""
    return named_source(fleet, src_path) is not None


def _runtime(values: Values, document: CommentedMap) -> str | None:
    return values.text(document, "runtime") if document.get("runtime") is not None else None


def _unknown(what: str, name: str, known: Sequence[str]) -> UsageError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    mend = nearest(near) if near else f"The fleet has {', '.join(known[:10]) or 'none'}"
    if not near and len(known) > 10:
        mend += f" and {len(known) - 10} more"
    return UsageError(f"no {what} of the fleet is called '{name}'", mend=mend)
