"""The schema of `system_lib.json`, from the dataclasses that are written into it."""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import re
import types
import typing
from collections import abc
from typing import Any

from tvmplug.metadata import FORMAT, METADATA_NAME, Metadata
from tvmplug.schemas.parts import Schema, document

_SIMPLE = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}


def metadata_schema() -> Schema:
    """The schema of a compiled system library's metadata."""
    definitions: dict[str, Schema] = {}
    whole = _object(Metadata, definitions)
    whole["properties"] = {
        "format": {"description": "Of this file.", "const": FORMAT},
        **whole["properties"],
    }
    whole["required"] = ["format", *whole["required"]]
    what = inspect.getdoc(Metadata) or ""
    schema = document(METADATA_NAME, what.splitlines()[0], **whole)
    return {**schema, "$defs": definitions}


def _object(kind: type[Any], definitions: dict[str, Schema]) -> Schema:
    """A dataclass as an object; a field with a default may be left out."""
    hints = typing.get_type_hints(kind)
    told = _attributes(kind)
    properties: dict[str, Schema] = {}
    required = []
    for each in dataclasses.fields(kind):
        properties[each.name] = _value(hints[each.name], definitions)
        if each.name in told:
            properties[each.name] = {"description": told[each.name], **properties[each.name]}
        if each.default is dataclasses.MISSING:
            required.append(each.name)
    return {"type": "object", "properties": properties, "required": required}


def _value(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """A type hint as a schema."""
    if hint is Any:
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # its place, before those that it names
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return _made_of(hint, definitions)


def _made_of(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of a type with parameters.

    Raises:
        TypeError: The metadata has got a type that this does not know.
    """
    parts = [_value(each, definitions) for each in typing.get_args(hint) if each is not ...]
    match typing.get_origin(hint):
        case builtins.tuple if typing.get_args(hint)[1:] == (...,):
            return {"type": "array", "items": parts[0]}
        case builtins.tuple:
            return {"type": "array", "prefixItems": parts, "minItems": len(parts), "items": False}
        case abc.Mapping:
            return {"type": "object", "additionalProperties": parts[1]}
        case types.UnionType | typing.Union:
            return {"anyOf": parts}
        case _:
            raise TypeError(f"no schema for {hint}")


def _attributes(kind: type[Any]) -> dict[str, str]:
    """What a dataclass's docstring says of each attribute, in one line."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    told: dict[str, str] = {}
    for line in section.splitlines():
        if new := re.match(r"    (\w+): (.*)", line):
            told[new[1]] = new[2]
        elif told and line.startswith(" " * 8):
            told[list(told)[-1]] += " " + line.strip()
    return told
