"""The export script and the Rust API that two pages show are one plugin, and it works."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.docs.running import Reader

# The first of them does the whole tutorial.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

COPY = "copier copy --trust --defaults --quiet -d kind=model -d components='[scale]'"


def test_the_script_and_the_api_of_the_pages_build_and_pass_their_golden_test(
    tutorial: Reader,
) -> None:
    reader = Reader(tutorial.folder, tutorial.env)
    reader.shell(f'TVMPLUG_SKIP_HOOKS=1 {COPY} "$TVMPLUG" scale_flutter')
    files = [
        block
        for page in ("export-script.md", "rust-api.md")
        for block in blocks_of(ROOT / "docs" / page)
        if block.title
    ]
    assert [block.title for block in files] == ["model/export.py", "rust/src/api.rs"]
    plugin = Reader(tutorial.folder / "scale_flutter", tutorial.env)
    plugin.follow(files)
    assert "scale_flutter: 1 passed" in plugin.shell("tvmplug test")
