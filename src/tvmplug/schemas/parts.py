"""Parts of several schemas: the rules for names, as patterns."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

from tvmplug.pins import read_defaults

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"

_RULES = read_defaults(Path(__file__).parents[1] / "naming.yml")


def document(title: str, description: str, **keywords: Any) -> Schema:
    """A whole schema.

    Args:
        title: The file's name.
        description: What it is.
        keywords: Of JSON Schema.
    """
    return {"$schema": DRAFT, "title": title, "description": description, **keywords}


def text(description: str, **keywords: Any) -> Schema:
    """A text that is not empty."""
    return {"description": description, "type": "string", "minLength": 1, **keywords}


def texts(description: str, **keywords: Any) -> Schema:
    """A list of texts."""
    return {"description": description, "type": "array", "items": {"type": "string"}, **keywords}


def choice(description: str, choices: type[Enum]) -> Schema:
    """One of an enumeration's values."""
    return {"description": description, "enum": [each.value for each in choices]}


def plugin_name() -> Schema:
    """What `names.check_plugin_name` takes."""
    return {
        "type": "string",
        "pattern": _RULES["plugin_name_pattern"],
        "not": {"enum": sorted({*_RULES["dart_keywords"], *_RULES["reserved_names"]})},
    }


def prefix(description: str) -> Schema:
    """What `names.check_prefix` takes: it begins no reserved prefix, and none begins it."""
    reserved = _RULES["reserved_prefixes"]
    beginnings = {each[:end] for each in reserved for end in range(1, len(each))}
    legal = sorted(each for each in beginnings if re.fullmatch(_RULES["prefix_pattern"], each))
    return {
        "description": description,
        "type": "string",
        "pattern": _RULES["prefix_pattern"],
        "not": {"anyOf": [{"pattern": f"^({'|'.join(reserved)})"}, {"enum": legal}]},
    }


def component() -> Schema:
    """What `names.check_component` takes."""
    return {
        "type": "string",
        "pattern": _RULES["component_pattern"],
        "not": {"enum": sorted(_RULES["rust_keywords"])},
    }
