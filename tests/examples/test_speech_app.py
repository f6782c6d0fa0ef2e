"""The app of both named plugins: formatted, free of lints, and its own tests pass.

The plugins are rendered, not built: the app's tests stand in for the models, whose own tests need
PyTorch (test_charsiug2p.py, test_kokoro.py).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dart_here import dart
from example_plugins import ROOT, RUNTIME, copier_copy

from tools import checks, flutter_test
from tools.packages import write_config
from tools.toolchain import Toolchain

EXAMPLES = {"charsiug2p_flutter": "charsiug2p", "kokoro_flutter": "kokoro"}
MISSING = [name for name in EXAMPLES.values() if not (ROOT / "examples" / name).is_dir()]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no examples/{' and '.join(MISSING)} here"),
]


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return dart()


@pytest.fixture(scope="module")
def app(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's sources beside the plugins."""
    folder = tmp_path_factory.mktemp("speech")
    copier_copy(folder / RUNTIME, "--data", "kind=runtime")
    for plugin, example in EXAMPLES.items():
        source = ROOT / "examples" / example
        shutil.copytree(source, folder / plugin, ignore=shutil.ignore_patterns("answers.yml"))
        copier_copy(folder / plugin, "--data-file", source / "answers.yml")
    made = shutil.ignore_patterns("build", ".dart_tool", "ephemeral", "generated_*")
    shutil.copytree(ROOT / "examples" / "speech_app", folder / "speech_app", ignore=made)
    write_config(folder / "speech_app", toolchain)
    return folder / "speech_app"


def test_the_app_is_formatted_and_has_no_lints(app: Path, toolchain: Toolchain) -> None:
    found = checks.analyze(toolchain, [app], resolve=False)
    assert found.ok, found.output
    found = checks.format_check(toolchain, [app])
    assert found.ok, found.output


def test_the_apps_own_tests_pass(app: Path, toolchain: Toolchain) -> None:
    done = flutter_test.run(toolchain, app, resolve=False)
    assert done.ok, done.explain()
    assert len(done.tests) >= 11
