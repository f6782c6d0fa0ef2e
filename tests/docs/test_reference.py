"""The reference says what the code says."""

from __future__ import annotations

import re

import pytest

from tools.reference import c_interface, commands
from tools.reference.pages import FOLDER, generated


@pytest.mark.parametrize("name", sorted(generated()))
def test_a_generated_page_is_what_the_code_makes(name: str) -> None:
    assert (FOLDER / name).read_text() == generated()[name], "run `make reference`"


def test_no_page_of_the_reference_is_left_over() -> None:
    made = {name for name in generated() if name.endswith(".md")}
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.md")}
    assert found == made


def test_every_function_of_the_header_has_a_signature_and_words() -> None:
    header = c_interface.HEADER.read_text()
    declared = set(re.findall(r"P##(\w+)\(", header))
    page = (FOLDER / "c-interface.md").read_text()
    assert declared == set(c_interface.functions(header))
    assert {name for name in declared if f" g2p_{name}(" in page or f"*g2p_{name}(" in page} == (
        declared
    )
    assert set(re.findall(r"^\| `(\w+)` \| .*\w.* \|$", page, re.M)) == declared


def test_a_wrong_option_would_be_seen() -> None:
    page = commands.page()
    assert "| `--target LIST` |" in page
    assert "tvmplug fleet update" in page
    assert "tvmplug hook" not in page
