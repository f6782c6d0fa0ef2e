"""The table of generated files, below `docs/reference/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference import c_interface, commands, exit_codes, files_page, questions
from tvmplug.schemas import SCHEMAS

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"

_PAGES: Mapping[str, Callable[[], str]] = {
    "c-interface.md": c_interface.page,
    "commands.md": commands.page,
    "exit-codes.md": exit_codes.page,
    "files.md": files_page.page,
    "questions.md": questions.page,
}


def generated() -> dict[str, str]:
    """The text of every generated file, by its path in `FOLDER`."""
    pages = {name: page() for name, page in _PAGES.items()}
    schemas = {
        f"schemas/{name}": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
        for name, schema in SCHEMAS.items()
    }
    return {**pages, **schemas}
