"""YAML files that people edit too: comments and order are kept, mistakes are told by line."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tvmplug.errors import TvmplugError


@dataclass(frozen=True)
class EditedYaml:
    """One kind of such files.

    Attributes:
        kind: What people call one: "registry", "fleet file".
        family: The error that its mistakes are.
        missing: The mend where there is none.
    """

    kind: str
    family: type[TvmplugError]
    missing: str

    def read(self, path: Path) -> str:
        """Return a file's text.

        Raises:
            TvmplugError: Of the kind's family: it cannot be read.
        """
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise self.family(f"there is no {self.kind} at {path}", mend=self.missing) from error
        except UnicodeDecodeError as error:
            raise self.family(f"{path} is not UTF-8 text", mend=restore(path)) from error
        except OSError as error:
            raise self.family(f"{path} cannot be read: {error.strerror}") from error

    def load(self, path: Path, text: str) -> CommentedMap:
        """Return the document of a text, which need not be that of the file now.

        Raises:
            TvmplugError: Of the kind's family: it is no YAML, or no mapping.
        """
        mend = restore(path)
        try:
            document = _keeping().load(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = " ".join(str(error.problem or "broken").split())
            raise self.family(f"{path}:{line}: not YAML: {problem}", mend=mend) from error
        except (YAMLError, TypeError, ValueError, RecursionError) as error:
            # ruamel.yaml raises Python's own errors for a list as a key, a 13th month, ...
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise self.family(f"{path}: not YAML: {reason}", mend=mend) from error
        if not isinstance(document, CommentedMap):
            raise self.family(f"{path}:1: not a {self.kind}: no mapping", mend=mend)
        return document


def dump(document: CommentedMap, *, indented_lists: bool = False) -> str:
    """Return a document as text, with the comments, quotes and order that it was read with."""
    writer = _keeping()
    if indented_lists:
        writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(document, stream)
    return stream.getvalue()


def depth(line: str) -> int:
    """Return a line's indentation; -1 for a blank line or a comment, which end an entry."""
    content = line.lstrip(" ")
    return -1 if not content.strip() or content.startswith("#") else len(line) - len(content)


def restore(path: Path) -> str:
    """Return the mend for a file that is broken."""
    return f"Mend the file, or restore it: git -C {path.parent} checkout {path.name}"


def _keeping() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml
