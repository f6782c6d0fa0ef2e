"""Holds documents against the schemas that the documentation ships."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.docs.pages import ROOT

SCHEMAS = ROOT / "docs" / "reference" / "schemas"


def problems(name: str, document: Any) -> list[str]:
    """Return what a schema finds wrong with a document.

    Args:
        name: The schema's file without its ending: `fleet`.
        document: As YAML or JSON read it.
    """
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]
