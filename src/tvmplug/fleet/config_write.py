"""Writes fleet.yaml: a first one from the plugins that are there, and further repositories."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tvmplug import files
from tvmplug.edited_yaml import depth, dump
from tvmplug.errors import FleetError
from tvmplug.fleet import addresses, config
from tvmplug.fleet.config import FLEET_NAME, Fleet
from tvmplug.fleet.discover import Found, find_plugins, must_be_plugin
from tvmplug.fleet.places import Places
from tvmplug.manifest import Kind

_HEAD = "# Which plugins this team keeps, and where their templates come from.\nversion: 1\n"
# What needs no quotes, and is never read as a number, a date or a truth value.
_BARE = re.compile(r"[A-Za-z./][A-Za-z0-9_./@+~-]*(:[A-Za-z0-9_./@+~-]+)*")
_WORDS = frozenset(
    {"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", ".nan", ".inf"}
)


@dataclass(frozen=True, kw_only=True)
class Added:
    """What `add_repository` did.

    Attributes:
        name: The repository's name in the fleet.
        is_runtime: It was named as the runtime plugin.
        unknown_template: The template that it comes from, if the fleet does not name it.
    """

    name: str
    is_runtime: bool
    unknown_template: str | None


def init_fleet(folder: Path, templates: Sequence[str], repositories: Sequence[str]) -> Fleet:
    """Write a fleet.yaml.

    Args:
        folder: The folder that it is for.
        templates: The templates' addresses; empty takes those that the plugins record.
        repositories: Folders (relative to this process's) and addresses; empty takes the plugins
            in and beside `folder`.

    Returns:
        What was written.

    Raises:
        FleetError: There is one already, no plugin was found, two are runtime plugins, or no
            template is known.
    """
    folder = folder.absolute()
    path = folder / FLEET_NAME
    _refuse_to_overwrite(path)
    found, remote = _named(repositories) if repositories else (find_plugins(folder), ())
    if not found and not remote:
        raise FleetError(
            f"there is no plugin in {folder} or beside it",
            mend="Name their folders or addresses: tvmplug fleet init FOLDER...",
        )
    runtimes = [each for each in found if each.kind is Kind.RUNTIME]
    if len(runtimes) > 1:
        listed = " and ".join(str(each.path) for each in runtimes)
        raise FleetError(
            f"a fleet has one runtime plugin, and these are {len(runtimes)}: {listed}",
            mend="Name the folders of one fleet: tvmplug fleet init FOLDER...",
        )
    recorded = [each.template for each in found if each.template is not None]
    sources = list(dict.fromkeys(templates or recorded))
    if not sources:
        raise FleetError(
            "no plugin records the template that it comes from",
            mend="Name the template: tvmplug fleet init --template ADDRESS",
        )
    text = _first_text(folder, sources, found, runtimes, remote)
    fleet = config.parse_fleet(path, text)
    with files.locked(_lock(path)):
        _refuse_to_overwrite(path)
        files.write_text(path, text)
    return fleet


def add_repository(
    path: Path,
    source: str,
    *,
    name: str | None = None,
    groups: Sequence[str] = (),
    base: str | None = None,
) -> Added:
    """Add a repository to a fleet file; its comments and its order stay.

    Args:
        path: The fleet file.
        source: A folder, relative to this process's, or an address.
        name: Its name in the fleet; None for the last part of the folder or address.
        groups: Its groups.
        base: The branch that its updates start from; None for what is checked out.

    Raises:
        FleetError: It is in the fleet already, is no plugin, or the file is wrong.
        FileError: The file cannot be written.
    """
    config.FILE.read(path)  # before the lock, whose file would make a folder that is not there
    with files.locked(_lock(path)):
        text = config.FILE.read(path)
        before = config.parse_fleet(path, text, may_be_empty=True)
        is_remote = addresses.is_address(source)
        found = None if is_remote else must_be_plugin(Path(source))
        root = path.absolute().parent
        written = source if found is None else _relative(found.path, root)
        entry: dict[str, Any] = {"url" if is_remote else "path": written}
        entry |= {"name": name} if name else {}
        entry |= {"groups": list(groups)} if groups else {}
        entry |= {"base": base} if base else {}
        longer = _with(path, text, before, entry)
        new = config.parse_fleet(path, longer).repositories[-1].name
        first = found is not None and found.kind is Kind.RUNTIME and before.runtime is None
        if first:
            longer = _with_runtime(path, longer, new)
        after = config.parse_fleet(path, longer)
        files.write_text(path, longer)
    template = found.template if found is not None else None
    unknown = template is not None and not config.names_source(after, template)
    return Added(name=new, is_runtime=first, unknown_template=template if unknown else None)


def _lock(path: Path) -> Path:
    """What is locked for a fleet file: a name in `.fleet/`, so that git never sees the lock."""
    return Places.beside(path).root / path.name


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise FleetError(
            f"there is a {path} already", mend="Add to it with `tvmplug fleet add`, or remove it"
        )


def _named(repositories: Sequence[str]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    remote = tuple(each for each in repositories if addresses.is_address(each))
    here = tuple(must_be_plugin(Path(each)) for each in repositories if each not in remote)
    return here, remote


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _first_text(
    folder: Path,
    sources: Sequence[str],
    found: Sequence[Found],
    runtimes: Sequence[Found],
    remote: Sequence[str],
) -> str:
    lines = [_HEAD + "templates:            # the only sources that an update may run"]
    lines += [f"  - {quoted(source)}" for source in sources]
    if runtimes:
        lines.append(f"runtime: {quoted(runtimes[0].path.name)}")
    lines.append("defaults: {branch: tvmplug/update, verify: render}")
    lines.append("repositories:")
    in_order = sorted(found, key=lambda each: (each.kind is not Kind.RUNTIME, each.path.name))
    lines += [f"  - {quoted(_relative(each.path, folder))}" for each in in_order]
    lines += [f"  - {quoted(address)}" for address in remote]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    bare = _BARE.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if bare else "'" + text.replace("'", "''") + "'"


def _with(path: Path, text: str, before: Fleet, entry: dict[str, Any]) -> str:
    """Put an entry behind the last one.

    ruamel.yaml keeps a comment with the value before it, so an entry appended there would come
    after the comment of whatever follows the list. So the lines are put in as text, and ruamel.yaml
    does it where that does not give the same fleet and one repository more.
    """
    nodes = config.FILE.load(path, text).get("repositories")
    if isinstance(nodes, CommentedSeq) and nodes and not nodes.fa.flow_style():
        lines = text.splitlines(keepends=True)
        start = int(nodes.lc.item(len(nodes) - 1)[0])
        dash = lines[start].index("-") if "-" in lines[start] else 0
        end = start + 1
        while end < len(lines) and depth(lines[end]) > dash:
            end += 1
        if not lines[end - 1].endswith("\n"):
            lines[end - 1] += "\n"
        longer = "".join([*lines[:end], *_lines_of(entry, " " * dash), *lines[end:]])
        try:
            after = config.parse_fleet(path, longer)
            if after.repositories[:-1] == before.repositories and after.runtime == before.runtime:
                return longer
        except FleetError:
            config.parse_fleet(path, _appended(path, text, entry))  # tells of a wrong entry
    return _appended(path, text, entry)


def _lines_of(entry: dict[str, Any], indent: str) -> list[str]:
    first, *rest = entry.items()
    if not rest and addresses.is_address(first[1]) == (first[0] == "url"):
        return [f"{indent}- {quoted(first[1])}\n"]
    lines = [f"{indent}- {first[0]}: {quoted(first[1])}\n"]
    for key, value in rest:
        told = quoted(value) if isinstance(value, str) else f"[{', '.join(map(quoted, value))}]"
        lines.append(f"{indent}  {key}: {told}\n")
    return lines


def _appended(path: Path, text: str, entry: dict[str, Any]) -> str:
    document = config.FILE.load(path, text)
    if document.get("repositories") is None:
        document["repositories"] = CommentedSeq()
    document["repositories"].append(CommentedMap(entry))
    return dump(document, indented_lists=True)


def _with_runtime(path: Path, text: str, name: str) -> str:
    """Name the runtime plugin, before the repositories."""
    document = config.FILE.load(path, text)
    if "runtime" in document:
        document["runtime"] = name
    else:
        document.insert(list(document).index("repositories"), "runtime", name)
    return dump(document, indented_lists=True)
