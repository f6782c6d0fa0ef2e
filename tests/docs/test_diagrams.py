"""The diagrams are what their table draws, and every page names them in both colour schemes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.docs.pages import ROOT
from tools.diagrams.__main__ import IMAGES, drawn
from tools.diagrams.drawing import Arrow, Box, Picture
from tools.diagrams.pictures import PICTURES

# Pixels that a character takes at most, of titles and of lines, in fonts at hand.
TITLE, LINE = 8.6, 7.4


@pytest.mark.parametrize("name", sorted(drawn()))
def test_a_file_is_what_its_table_draws(name: str) -> None:
    text = (IMAGES / name).read_text()
    assert text == drawn()[name], "run `python -m tools.diagrams`"
    assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314 - our own file


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_everything_lies_within_the_picture_and_text_within_its_box(picture: Picture) -> None:
    for part in picture.parts:
        if isinstance(part, Arrow):
            assert min(part.x1, part.x2) >= 0
            assert max(part.x1, part.x2) <= picture.width
            continue
        assert isinstance(part, Box)
        assert part.x >= 0
        assert part.x + part.width <= picture.width
        assert part.y + part.height <= picture.height
        assert part.height >= 34 + 20 * len(part.lines)
        widest = max([len(part.title) * TITLE, *(len(line) * LINE for line in part.lines)])
        assert widest + 20 <= part.width, part.title


def test_pages_show_each_diagram_in_both_schemes() -> None:
    shown: set[str] = set()
    for page in (ROOT / "docs").rglob("*.md"):
        found = re.findall(
            r"\(images/([\w-]+)-(light|dark)\.svg#only-(light|dark)\)", page.read_text()
        )
        assert all(scheme == only for _, scheme, only in found), page
        shown |= {f"{name}-{scheme}.svg" for name, scheme, _ in found}
    assert shown == set(drawn())
