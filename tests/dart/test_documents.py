"""The Dart code in READMEs and documents compiles without a lint, as readers would paste it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tools import checks, packages
from tools.toolchain import Toolchain

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```dart\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLUGINS = ("tvm_runtime_flutter", "g2p_flutter", "vad_flutter")
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
    """A project that may import the plugins, with every block of Dart as a file in `lib/`."""
    folder = tmp_path_factory.mktemp("documents")
    paths = "".join(f"  {name}:\n    path: {plugins / name}\n" for name in PLUGINS)
    (folder / "pubspec.yaml").write_text(PUBSPEC + paths)
    shutil.copy2(plugins / "g2p_flutter" / "analysis_options.yaml", folder)
    (folder / "lib").mkdir()
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    texts += [plugins / name / "README.md" for name in PLUGINS]
    for text in texts:
        name = "_".join(text.parts[-2:]).replace(".md", "").replace("-", "_").lower()
        for number, block in enumerate(BLOCK.findall(text.read_text(encoding="utf-8"))):
            (folder / "lib" / f"{name}_{number}.dart").write_text(block)
    packages.write_config(folder, toolchain)
    return folder


def test_there_is_dart_in_the_documents_and_in_every_examples_readme(project: Path) -> None:
    found = {path.name for path in (project / "lib").iterdir()}
    assert {"g2p_flutter_readme_0.dart", "vad_flutter_readme_0.dart"} < found
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
