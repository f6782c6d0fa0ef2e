"""kokoro_flutter says what Kokoro's own PyTorch modules say, from the same random weights.

All but the table of symbols is in `make test-models`: PyTorch alone is a download of 3 GB.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from example_plugins import ROOT, RUNTIME, copier_copy, tvmplug

from tests.tools.needed import needed
from tools import flutter_test
from tools.toolchain import find_or_install
from tvmplug.environment import compile_python
from tvmplug.project import find_project
from tvmplug.targets import TARGETS

HERE = Path(__file__).resolve().parent
EXAMPLE = ROOT / "examples" / "kokoro"
PLUGIN = "kokoro_flutter"
# Phonemes, voice, speed; of several lengths, one with symbols that are skipped.
SPEAK = (
    ("həlˈO", "random_a", 1.0),  # noqa: RUF001 (phonetic letters)
    ("kˈOkəɹO", "random_b", 1.3),  # noqa: RUF001
    ("ðə *kwˈɪk* bɹˈWn fˈɑks ʤˈʌmps.", "random_a", 0.8),  # noqa: RUF001
    ("a", "random_b", 2.0),
)
REFUSE = (
    ("", "random_a", 1.0, "the text has no symbol that the network knows"),
    ("123", "random_a", 1.0, "the text has no symbol that the network knows"),
    ("a" * 511, "random_a", 1.0, "the text has 511 symbols"),
    ("a", "nobody", 1.0, 'there is no voice "nobody"'),
    ("a", "random_a", 0.0, "the speed is 0"),
    ("a", "random_a", -1.0, "the speed is -1"),
    ("a" * 200, "random_a", 0.02, "the speech would last"),
)
ASKED = [name for name, row in TARGETS.items() if row.supported and row.device == "cpu"]
HARMONICS, MOST_SAMPLES = 9, 400_000
MOST_DIFFERENT = 1e-3  # samples of speech from the same harmonics

Numbers = npt.NDArray[Any]
built_once = [pytest.mark.models, pytest.mark.slow]


@dataclass(frozen=True)
class Heard:
    """What the plugin and PyTorch said.

    Attributes:
        libraries: The folder with the plugins' libraries.
        build: What the build told.
        answers: Of kokoro_app.py, as JSON.
        spoken: Of kokoro_app.py.
        wanted: Of kokoro_reference.py.
    """

    libraries: Path
    build: str
    answers: Mapping[str, Any]
    spoken: Mapping[str, Numbers]
    wanted: Mapping[str, Numbers]

    def both(self, number: int, name: str) -> tuple[Numbers, Numbers]:
        """A part of a text from the plugin and from PyTorch, both of the plugin's shape."""
        got = self.spoken[f"{number}_{name}"]
        return got, self.wanted[f"{number}_{name}"].reshape(got.shape)


def test_the_symbols_are_those_of_the_configuration() -> None:
    source = (EXAMPLE / "rust" / "src" / "api" / "symbols.rs").read_text(encoding="utf-8")
    rows = re.findall(r"\('(.|\\u\{[0-9a-f]+\})', (\d+)\)", source)
    spelled = [(chr(int(sign[3:-1], 16)) if len(sign) > 1 else sign, int(n)) for sign, n in rows]
    config = json.loads((EXAMPLE / "model" / "config.json").read_text(encoding="utf-8"))
    assert dict(spelled) == config["vocab"]
    assert spelled == sorted(spelled), "a binary search needs them in order"
    assert max(config["vocab"].values()) < config["n_token"]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """kokoro_flutter beside the runtime plugin, rendered."""
    folder = tmp_path_factory.mktemp("kokoro")
    copier_copy(folder / RUNTIME, "--data", "kind=runtime")
    shutil.copytree(
        EXAMPLE, folder / PLUGIN, ignore=shutil.ignore_patterns("answers.yml", "__pycache__")
    )
    copier_copy(folder / PLUGIN, "--data-file", str(EXAMPLE / "answers.yml"))
    return folder / PLUGIN


@pytest.fixture(scope="session")
def heard(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """The plugin, built, and what it and PyTorch say with the same noise."""
    build = ""
    for each in (plugin.with_name(RUNTIME), plugin):
        done = tvmplug("build", "--project", each)
        assert done.returncode == 0, done.stderr[-4000:]
        build = done.stderr
    folder = tmp_path_factory.mktemp("spoken")
    for each in (plugin.with_name(RUNTIME), plugin):
        for library in (each / "linux" / "lib" / "x64").glob("*.so"):
            shutil.copy2(library, folder)
    noise = np.random.default_rng(0).standard_normal((MOST_SAMPLES, HARMONICS), "float32")
    np.save(folder / "noise.npy", noise)
    questions = {
        "speak": SPEAK,
        "skip": SPEAK[2][0],
        "refuse": [each[:3] for each in REFUSE],
    }
    files = [folder / name for name in ("noise.npy", "spoken.npz", "wanted.npz")]
    app = [sys.executable, HERE / "kokoro_app.py", folder, *files[:2]]
    answers = _asked(app, questions)
    python = compile_python(find_project(plugin))
    _asked([python, HERE / "kokoro_reference.py", plugin / "model", *files], SPEAK)
    return Heard(folder, build, json.loads(answers), np.load(files[1]), np.load(files[2]))


class TestSpoken:
    """What the built plugin says."""

    pytestmark = built_once

    @pytest.mark.parametrize("number", range(len(SPEAK)))
    def test_symbols_last_as_long_as_in_pytorch(self, heard: Heard, number: int) -> None:
        got, wanted = heard.both(number, "durations")
        assert got.tolist() == wanted.tolist()
        assert heard.spoken[f"{number}_speech"].shape == (1, 600 * got.sum())

    @pytest.mark.parametrize("number", range(len(SPEAK)))
    def test_pitch_and_loudness_are_those_of_pytorch(self, heard: Heard, number: int) -> None:
        np.testing.assert_allclose(*heard.both(number, "pitch"), rtol=0, atol=5e-3)
        np.testing.assert_allclose(*heard.both(number, "loudness"), rtol=0, atol=1e-4)

    @pytest.mark.parametrize("number", range(len(SPEAK)))
    def test_harmonics_are_those_of_pytorch_with_the_same_pitch(
        self, heard: Heard, number: int
    ) -> None:
        got = heard.spoken[f"{number}_spectrum"]
        wanted = heard.wanted[f"{number}_spectrum_of_pitch"]
        # As complex numbers: an angle means nothing where there is no magnitude. Up to 2.9, of
        # phases of 60,000, where the last bit of a float32 is 0.004 of a radian.
        assert np.abs(_complex(got) - _complex(wanted)).max() < 5e-3

    @pytest.mark.parametrize("number", range(len(SPEAK)))
    def test_speech_is_that_of_pytorch_with_the_same_harmonics(
        self, heard: Heard, number: int
    ) -> None:
        got = heard.spoken[f"{number}_speech"]
        wanted = heard.wanted[f"{number}_speech_of_spectrum"]
        assert wanted.std() > 0.01, "there is something to compare"
        np.testing.assert_allclose(got, wanted, rtol=0, atol=MOST_DIFFERENT)

    def test_some_of_it_is_voiced_and_some_is_not(self, heard: Heard) -> None:
        pitch = np.concatenate([heard.wanted[f"{n}_pitch"].ravel() for n in range(len(SPEAK))])
        assert 0.3 < (pitch > 10).mean() < 0.99

    def test_random_weights_are_called_random(self, heard: Heard) -> None:
        assert heard.answers["random"] is True
        assert heard.answers["voices"] == ["random_a", "random_b"]
        assert "the weights are RANDOM" in heard.build

    def test_the_same_text_gives_the_same_samples(self, heard: Heard) -> None:
        first, second = heard.spoken["twice"]
        np.testing.assert_array_equal(first, second)

    def test_unknown_symbols_are_skipped_and_reported(self, heard: Heard) -> None:
        assert heard.answers["skipped"] == "**"

    def test_what_cannot_be_spoken_is_refused(self, heard: Heard) -> None:
        for message, (*_, wanted) in zip(heard.answers["refused"], REFUSE, strict=True):
            assert message.startswith(wanted)
        assert heard.answers["little noise"] == "there are 1 numbers of noise"

    def test_its_dart_tests_pass(self, heard: Heard, plugin: Path) -> None:
        toolchain = needed(find_or_install)
        env = {"LD_LIBRARY_PATH": str(heard.libraries)}
        done = flutter_test.run(toolchain, plugin, env=env)
        assert done.ok, done.explain()
        assert done.skipped == 0

    def test_the_golden_test_passes(self, heard: Heard, plugin: Path) -> None:
        assert heard.build
        done = tvmplug("test", "--project", plugin)
        assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.models
@pytest.mark.slow
def test_pytorch_itself_moves_further_than_a_comparison_of_whole_speech_allows(
    plugin: Path,
) -> None:
    command = [compile_python(find_project(plugin)), HERE / "kokoro_limits.py", plugin / "model"]
    told = json.loads(_asked(command, [SPEAK[0][0], "a"]))
    assert len(told) == 2
    for limits in told.values():
        # Why each step is compared with what the plugin made of the one before.
        assert limits["precise_pitch_hz"] < 5e-3
        assert limits["precise_pitch"] > 10 * MOST_DIFFERENT
        # Why lengths are dynamic: in a bucket of a certain length, the rest would be heard.
        assert limits["padded"] > 10 * MOST_DIFFERENT


@pytest.mark.models
@pytest.mark.slow
def test_it_compiles_for_every_target(plugin: Path) -> None:
    done = tvmplug("build", "--project", plugin, "--target", ",".join(ASKED), "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    rows = {row["target"]: row for row in json.loads(done.stdout)["targets"]}
    assert [rows[name]["error"] for name in ASKED] == [None] * len(ASKED)
    assert min(rows[name]["model"]["bytes"] for name in ASKED) > 300_000_000
    for name in ASKED:  # a third of a gigabyte each, and as much again where it was linked
        shutil.rmtree(plugin / "build" / "tvmplug" / name)


def _complex(spectrum: Numbers) -> Numbers:
    columns = spectrum.reshape(-1, 2, 11)
    return columns[:, 0] * np.exp(1j * columns[:, 1])


def _asked(command: list[str | Path], questions: object) -> str:
    done = subprocess.run(
        command, input=json.dumps(questions), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
