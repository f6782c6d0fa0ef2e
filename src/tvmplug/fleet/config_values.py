"""Takes typed values out of a fleet.yaml, or says in which line one is wrong. For `config`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tvmplug.errors import FleetError

QUESTION = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What `git check-ref-format --branch` refuses.
NO_BRANCH = re.compile(
    r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$|^@$|^HEAD$"
)


def nearest(names: Sequence[str]) -> str:
    """Return the mend that offers what was perhaps meant."""
    return f"Did you mean {' or '.join(names)}?"


class Values:
    """Reads values of one fleet file.

    Args:
        path: The file, for messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def wrong(
        self, node: CommentedMap | CommentedSeq, key: object, problem: str, mend: str | None
    ) -> FleetError:
        """Return the error for the value of a key or the item of a list."""
        return FleetError(f"{self.path}:{line(node, key)}: {problem}", mend=mend)

    def known(self, node: CommentedMap, keys: Collection[str], where: str) -> None:
        """Refuse keys that mean nothing."""
        for key in node:
            if key in keys:
                continue
            near = difflib.get_close_matches(str(key), keys, n=1)
            mend = nearest(near) if near else f"It may have: {', '.join(keys)}"
            raise self.wrong(node, key, f"'{key}' means nothing in {where}", mend)

    def text(self, node: CommentedMap, key: str) -> str:
        """Return a text that is not empty."""
        value = node.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(
                node, key, f"'{key}' is no text", f"Write `{key}: ...`, or take it out"
            )
        return str(value)

    def texts(self, node: CommentedMap, key: str) -> tuple[str, ...]:
        """Return a list of texts; one that is missing or empty is empty."""
        value = node.get(key)
        if value is None:
            return ()
        if not isinstance(value, CommentedSeq):
            raise self.wrong(node, key, f"'{key}' is no list", f"Write `{key}: [...]`")
        for index, item in enumerate(value):
            if not isinstance(item, str) or not item.strip():
                problem = f"'{key}' holds {item!r}, which is no text"
                raise self.wrong(value, index, problem, "Put it in quotes, or take it out")
        return tuple(str(item) for item in value)

    def choice(self, node: CommentedMap, key: str, choices: Sequence[str]) -> str:
        """Return one of several words."""
        value = node.get(key)
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, n=1)
            mend = nearest(near) if near else f"Write one of {', '.join(choices)}"
            raise self.wrong(node, key, f"'{key}' is {value!r}", mend)
        return str(value)

    def flag(self, node: CommentedMap, key: str) -> bool:
        """Return true or false."""
        value = node.get(key)
        if not isinstance(value, bool):
            raise self.wrong(node, key, f"'{key}' is {value!r}", "Write true or false")
        return value

    def branch(self, node: CommentedMap, key: str) -> str:
        """Return a name that git takes for a branch."""
        name = self.text(node, key)
        if NO_BRANCH.search(name):
            raise self.wrong(node, key, f"'{name}' is no name for a branch", "Choose another name")
        return name

    def answers(self, node: CommentedMap, key: str) -> dict[str, Any]:
        """Return answers to a template's questions."""
        value = node.get(key)
        if value is None:
            return {}
        if not isinstance(value, CommentedMap):
            problem = f"'{key}' is no mapping of answers"
            raise self.wrong(node, key, problem, f"Write `{key}: {{question: answer}}`")
        for question in value:
            # Copier's own keys begin with an underscore; _src_path would be another template.
            if not isinstance(question, str) or not QUESTION.fullmatch(question):
                raise self.wrong(value, question, f"'{question}' is no question", "Take it out")
        return {str(question): _plain(answer) for question, answer in value.items()}


def line(node: CommentedMap | CommentedSeq, key: object) -> int:
    """The line of a key or item, from 1; of the whole where it has none of its own."""
    where = (node.lc.data or {}).get(key)
    if where is not None:
        return int(where[0]) + 1
    return int(node.lc.line or 0) + 1


def _plain(value: object) -> Any:
    """A value as Python's own types, which any process can unpickle."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
