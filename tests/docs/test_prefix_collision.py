"""The page about colliding prefixes goes on where the tutorial ends."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.docs.running import Reader

# The first of them does the whole tutorial.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_the_page_about_colliding_prefixes_shows_what_happens(tutorial: Reader) -> None:
    reader = Reader(tutorial.folder, tutorial.env)
    reader.follow(blocks_of(ROOT / "docs" / "how-to" / "prefix-collision.md"))
    assert len(reader.printed) == 2
    assert not (tutorial.folder / "bass_flutter").exists()
