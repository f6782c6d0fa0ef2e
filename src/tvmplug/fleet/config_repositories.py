"""Reads the repositories of a fleet.yaml and the defaults that they share. For `config`."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tvmplug.fleet import addresses
from tvmplug.fleet.config_values import Values, line, nearest
from tvmplug.fleet.records import Repository, Verify

BRANCH = "tvmplug/update"
HOSTS = ("auto", "github", "gitlab", "none")
SETTINGS = ("base", "branch", "verify", "keep_edits", "data", "groups", "host")
# A name is a folder's name in `.fleet/`, and what `--only` takes.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Defaults:
    """What repositories have that say nothing else; reads the repositories with it.

    Attributes:
        values: Reads the file.
        node: The mapping `defaults`, checked.
    """

    values: Values
    node: CommentedMap

    @classmethod
    def read(cls, values: Values, node: object, document: CommentedMap) -> Defaults:
        """Check the mapping `defaults`.

        Raises:
            FleetError: Something in it is wrong.
        """
        if node is None:
            node = CommentedMap()
        if not isinstance(node, CommentedMap):
            raise values.wrong(
                document, "defaults", "'defaults' is no mapping", "Write `key: value`"
            )
        values.known(node, SETTINGS, "defaults")
        return cls(values, node)

    def repositories(
        self, document: CommentedMap, runtime: str | None
    ) -> tuple[tuple[Repository, ...], dict[str, str]]:
        """Return all repositories, and the host of each by name.

        Raises:
            FleetError: One is wrong, two are the same, or `runtime` is none of them.
        """
        nodes = document.get("repositories")
        if nodes is None:
            nodes = CommentedSeq()
        if not isinstance(nodes, CommentedSeq):
            raise self.values.wrong(
                document, "repositories", "'repositories' is no list", "Write one `- FOLDER` a line"
            )
        found: list[Repository] = []
        hosts: dict[str, str] = {}
        for index, node in enumerate(nodes):
            entry = node if isinstance(node, CommentedMap) else self._short(nodes, index, node)
            repository, host = self._repository(nodes, index, entry, runtime)
            self._twice(nodes, index, repository, found)
            found.append(repository)
            hosts[repository.name] = host
        names = [each.name for each in found]
        if runtime is not None and found and runtime not in names:
            near = difflib.get_close_matches(runtime, names, n=1)
            mend = nearest(near) if near else "Add its repository, or take `runtime:` out"
            problem = f"the runtime plugin '{runtime}' is none of the repositories"
            raise self.values.wrong(document, "runtime", problem, mend)
        return tuple(found), hosts

    def _short(self, nodes: CommentedSeq, index: int, node: object) -> CommentedMap:
        """Spell out an entry that is a folder or address alone."""
        if not isinstance(node, str) or not node.strip():
            raise self.values.wrong(
                nodes, index, f"{node!r} is no repository", "Write a folder or an address"
            )
        spelled = CommentedMap({"url" if addresses.is_address(node) else "path": str(node)})
        spelled.lc.data = dict.fromkeys(spelled, list(nodes.lc.item(index)) * 2)
        return spelled

    def _repository(
        self, nodes: CommentedSeq, index: int, node: CommentedMap, runtime: str | None
    ) -> tuple[Repository, str]:
        values = self.values
        values.known(node, ("path", "url", "name", *SETTINGS), "a repository")
        if ("path" in node) == ("url" in node):
            both = "both a path and a url" if "path" in node else "neither a path nor a url"
            raise values.wrong(nodes, index, f"the repository has {both}", "Give it one of them")
        is_remote = "url" in node
        source = values.text(node, "url" if is_remote else "path")
        if source.startswith("-"):
            raise values.wrong(nodes, index, f"'{source}' is no address or folder", None)
        if addresses.password(source):
            raise values.wrong(
                nodes,
                index,
                f"the address of {addresses.last_part(source)} holds a password",
                "Take it out, and give it to git's credential helper (git help credentials)",
            )
        root = values.path.parent
        folder = addresses.expand(source, root)
        name = values.text(node, "name") if "name" in node else addresses.last_part(folder)
        if not NAME.fullmatch(name):
            raise values.wrong(
                nodes,
                index,
                f"'{name}' is no name for a repository",
                "Give it a `name:` of letters, digits, '.', '-' and '_'",
            )
        base = values.branch(*self._setting(node, "base")) if self._has(node, "base") else None
        branch = self._branch(node)
        if base == branch:
            problem = f"updates of {name} would start from the branch that they are put on, {base}"
            raise values.wrong(nodes, index, problem, "Choose another `branch:`")
        data = values.answers(self.node, "data") | values.answers(node, "data")
        groups = (*values.texts(self.node, "groups"), *values.texts(node, "groups"))
        repository = Repository(
            name=name,
            source=folder if is_remote else source,
            path=root / ".fleet" / "clones" / name if is_remote else Path(folder),
            is_remote=is_remote,
            groups=tuple(dict.fromkeys(groups)),
            is_runtime=name == runtime,
            base=base,
            branch=branch,
            data=data,
            keep_edits=self._has(node, "keep_edits")
            and values.flag(*self._setting(node, "keep_edits")),
            verify=self._verify(node),
        )
        host = "auto"
        if self._has(node, "host"):
            host = values.choice(*self._setting(node, "host"), HOSTS)
        return repository, host

    def _has(self, node: CommentedMap, key: str) -> bool:
        return key in node or key in self.node

    def _setting(self, node: CommentedMap, key: str) -> tuple[CommentedMap, str]:
        return (node if key in node else self.node), key

    def _branch(self, node: CommentedMap) -> str:
        if not self._has(node, "branch"):
            return BRANCH
        return self.values.branch(*self._setting(node, "branch"))

    def _verify(self, node: CommentedMap) -> Verify:
        if not self._has(node, "verify"):
            return Verify.RENDER
        choices = [each.value for each in Verify]
        return Verify(self.values.choice(*self._setting(node, "verify"), choices))

    def _twice(
        self, nodes: CommentedSeq, index: int, new: Repository, found: Sequence[Repository]
    ) -> None:
        """Refuse a name that is taken, also where a disk knows no capitals, and a folder twice."""
        for before, other in enumerate(found):
            at = line(nodes, before)
            if other.name.casefold() == new.name.casefold():
                raise self.values.wrong(
                    nodes,
                    index,
                    f"two repositories are called {new.name} (the other in line {at})",
                    "Give one of them another `name:`",
                )
            if _place(other) == _place(new):
                problem = f"{new.name} is the repository of line {at}, {other.name}, again"
                raise self.values.wrong(nodes, index, problem, "Take one of them out")


def _place(repository: Repository) -> str:
    """What is equal for two entries of one repository."""
    if repository.is_remote:
        return addresses.canonical(repository.source, repository.path)
    return os.path.realpath(repository.path)
