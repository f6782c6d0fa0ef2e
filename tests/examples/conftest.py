"""Both example plugins: generated and built once, then run by one process of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from example_plugins import ROOT, staged  # noqa: E402 (the path is above)

from demo.plugins import CACHE, RUNTIME  # noqa: E402
from demo.run import PLUGINS  # noqa: E402
from tvmplug.environment import compile_python  # noqa: E402
from tvmplug.project import find_project  # noqa: E402

NO_WORDS = ["", "two words", "naïve", "x" * 64, "3d"]


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime plugin and both examples, built: a copy of `make demo`'s."""
    os.environ.setdefault("TVMPLUG_CACHE_DIR", str(CACHE / "tvmplug"))
    PLUGINS.prepare()
    folder = tmp_path_factory.mktemp("plugins")
    for plugin in (RUNTIME, *PLUGINS.examples):
        shutil.copytree(PLUGINS.folder / plugin, folder / plugin, symlinks=True)
    return folder


@pytest.fixture(scope="session")
def bundle(plugins: Path) -> Path:
    """Every plugin's libraries in one folder, as in a Flutter app for Linux."""
    folder = plugins / "bundle"
    folder.mkdir()
    for library in staged(plugins):
        shutil.copy2(library, folder)
    return folder


@pytest.fixture(scope="session")
def clip() -> npt.NDArray[np.float32]:
    """The speech in examples/vad."""
    with wave.open(str(ROOT / "examples" / "vad" / "speech.wav")) as sound:
        kind = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
        assert kind == (16000, 1, 2)
        frames = sound.readframes(sound.getnframes())
    return np.frombuffer(frames, np.int16).astype(np.float32) / 32768


@pytest.fixture(scope="session")
def words() -> list[str]:
    """Words in no dictionary."""
    lines = (HERE / "words.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="session")
def answers(bundle: Path, clip: npt.NDArray[np.float32], words: list[str]) -> Mapping[str, Any]:
    """What the plugins answer in one process that uses both: see app.py."""
    sound = bundle / "clip.npy"
    np.save(sound, clip)
    done = subprocess.run(
        [sys.executable, HERE / "app.py", bundle, sound],
        input=json.dumps([*words, words[0].upper(), *NO_WORDS]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="session")
def silero(plugins: Path) -> Path:
    """The folder of the silero_vad package in the environment that compiled the plugin."""
    python = compile_python(find_project(plugins / "vad_flutter"))
    where = "from importlib.metadata import distribution as d;"
    where += "print(d('silero-vad').locate_file('silero_vad'))"
    done = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
