"""The site builds, and whoever reads it fetches nothing from anywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
LOADED = re.compile(
    r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a missing page, anchor or entry of the navigation fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_built_and_loads_nothing_from_outside(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        for loaded in LOADED.findall(page.read_text(encoding="utf-8")):
            address = "".join(loaded)
            assert not urlsplit(address).netloc, f"{page.name} loads {address}"


@pytest.mark.slow
def test_schemas_are_part_of_the_site(site: Path) -> None:
    shipped = {path.name for path in (site / "reference" / "schemas").iterdir()}
    assert shipped == {
        path.name for path in (ROOT / "docs" / "reference" / "schemas").glob("*.json")
    }


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_pages_outside_of_the_site_lead_somewhere(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert links
    for link in links:
        parts = urlsplit(link)
        if parts.netloc:
            continue
        assert (ROOT / unquote(parts.path)).exists(), f"{name}: {link}"


def test_addresses_of_other_sites_are_whole() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https", f"{page.name}: {link}"
                assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
