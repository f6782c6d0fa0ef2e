"""The Dart code in READMEs and documents compiles without a lint, as readers would paste it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from demo.plugins import RUNTIME
from demo.speech import PLUGINS as SPEECH
from tests.examples.example_plugins import generate_all
from tools import checks, packages
from tools.toolchain import Toolchain

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```dart\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLUGINS = (RUNTIME, "g2p_flutter", "vad_flutter")
PUBSPEC = """\
name: documents
publish_to: none
environment:
  sdk: ^3.8.0
dependencies:
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(plugins: Path, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that may import all plugins, with every block of Dart as a file in `lib/`."""
    beside = tmp_path_factory.mktemp("documents")
    folder = beside / "documents"
    places = {name: plugins / name for name in PLUGINS}
    # Built, they are in `make test-models`. What their Dart says needs no build.
    generate_all(beside, SPEECH.examples)
    places |= {name: beside / name for name in SPEECH.examples}
    paths = "".join(f"  {name}:\n    path: {place}\n" for name, place in places.items())
    folder.mkdir()
    (folder / "pubspec.yaml").write_text(PUBSPEC + paths)
    shutil.copy2(plugins / "g2p_flutter" / "analysis_options.yaml", folder)
    (folder / "lib").mkdir()
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    texts += [place / "README.md" for place in places.values()]
    for text in texts:
        name = "_".join(text.parts[-2:]).replace(".md", "").replace("-", "_").lower()
        for number, block in enumerate(BLOCK.findall(text.read_text(encoding="utf-8"))):
            (folder / "lib" / f"{name}_{number}.dart").write_text(block)
    packages.write_config(folder, toolchain, {RUNTIME: places[RUNTIME]})
    return folder


def test_there_is_dart_in_the_documents_and_in_every_examples_readme(project: Path) -> None:
    found = {path.name for path in (project / "lib").iterdir()}
    assert {f"{name}_readme_0.dart" for name in ("g2p_flutter", "vad_flutter")} < found
    assert sum(name.startswith("docs_") for name in found) >= 3


def test_dart_in_documents_compiles(project: Path, toolchain: Toolchain) -> None:
    options = (project / "analysis_options.yaml").read_text()
    # Documents show little programs, not a package's public members.
    (project / "analysis_options.yaml").write_text(
        re.sub(r"^ +- public_member_api_docs\n", "", options, flags=re.MULTILINE)
    )
    found = checks.analyze(toolchain, [project], resolve=False)
    assert found.ok, found.output


def test_dart_in_documents_is_formatted(project: Path, toolchain: Toolchain) -> None:
    found = checks.format_check(toolchain, [project / "lib"])
    assert found.ok, found.output
