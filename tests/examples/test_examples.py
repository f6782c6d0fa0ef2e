"""The example plugins give the answers of the models they were made from, in one process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from example_plugins import tvmplug
from references import (
    g2p_predict,
    silero_probabilities,
    silero_segments,
)

from tvmplug.errors import GoldenError

pytestmark = pytest.mark.slow

Answers = Mapping[str, Any]
Clip = npt.NDArray[np.float32]


@pytest.fixture(scope="session")
def wanted(silero: Path, clip: Clip) -> npt.NDArray[np.float32]:
    return silero_probabilities(silero / "data" / "silero_vad_16k_op15.onnx", clip)


def test_phonemes_equal_those_of_g2p_en(words: list[str], answers: Answers) -> None:
    predict = g2p_predict()
    assert len(words) >= 600
    got = {word: answers["g2p"][word] for word in words}
    assert got == {word: " ".join(predict(word)) for word in words}


def test_upper_case_counts_as_lower_case(words: list[str], answers: Answers) -> None:
    assert answers["g2p"][words[0].upper()] == answers["g2p"][words[0]]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "the word is empty"),
        ("two words", "' ' is not a letter that the model knows"),
        ("naïve", "'ï' is not a letter that the model knows"),
        ("3d", "'3' is not a letter that the model knows"),
        ("x" * 64, "the word has 64 letters"),
    ],
)
def test_what_is_no_word_is_refused(word: str, message: str, answers: Answers) -> None:
    error = answers["g2p"][word]
    assert error["message"] == message
    assert error["mend"].startswith("Pass ")


def test_probabilities_of_a_clip_equal_those_of_onnxruntime(
    wanted: npt.NDArray[np.float32], answers: Answers
) -> None:
    assert wanted.min() < 0.05
    assert wanted.max() > 0.95
    np.testing.assert_allclose(answers["vad"]["whole"], wanted, rtol=0, atol=1e-4)


def test_a_stream_of_chunks_equals_the_whole_clip(answers: Answers) -> None:
    assert answers["vad"]["stream"] == answers["vad"]["whole"]


def test_a_stream_goes_on_until_it_is_reset(answers: Answers) -> None:
    vad = answers["vad"]
    assert vad["without_reset"] != vad["stream"]
    assert vad["after_reset"] == vad["stream"]


def test_a_whole_clip_starts_afresh_while_a_stream_is_open(answers: Answers) -> None:
    assert answers["vad"]["whole_again"] == answers["vad"]["whole"]


def test_models_of_one_plugin_have_streams_of_their_own(
    silero: Path, clip: Clip, answers: Answers
) -> None:
    whole, every_second = answers["vad"]["two_streams"]
    assert whole == answers["vad"]["whole"]
    chunks = np.pad(clip, (0, -len(clip) % 512)).reshape(-1, 512)[1::2]
    model = silero / "data" / "silero_vad_16k_op15.onnx"
    wanted = silero_probabilities(model, chunks.reshape(-1))
    np.testing.assert_allclose(every_second, wanted, rtol=0, atol=1e-4)


def test_segments_equal_those_of_silero(
    silero: Path, clip: Clip, wanted: npt.NDArray[np.float32], answers: Answers
) -> None:
    find = silero_segments(silero)

    def pairs(**options: float) -> list[list[int]]:
        found = find(wanted.tolist(), audio_length_samples=len(clip), **options)
        return [[segment["start"], segment["end"]] for segment in found]

    assert answers["vad"]["segments"] == pairs()
    assert len(pairs()) >= 2
    cases = answers["vad"]["segments_with"]
    assert [got for _, got in cases] == [pairs(**options) for options, _ in cases]
    assert len({str(got) for _, got in cases}) > 10


def test_no_sound_holds_no_speech(answers: Answers) -> None:
    assert answers["vad"]["empty"] == []


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("short chunk", "the chunk has 100 samples"),
        ("not a number", "sample 1000 is NaN"),
        ("float64", "must be float32, but it is float64"),
        ("threshold 2", "the threshold is 2"),
        ("negative padding", "pad_ms is -1"),
    ],
)
def test_what_is_no_sound_or_makes_no_sense_is_refused(
    case: str, message: str, answers: Answers
) -> None:
    assert message in answers["vad"]["errors"][case]["message"]


def test_both_plugins_share_one_runtime(bundle: Path, answers: Answers) -> None:
    libraries = ["libg2p_flutter.so", "libtvm_ffi.so", "libtvm_runtime.so", "libvad_flutter.so"]
    assert answers["libraries"] == [str(bundle / library) for library in libraries]
    owners = {owner["prefix"]: owner["plugin"] for owner in answers["prefixes"]["g2p"]}
    assert owners == {"g2p_": "g2p_flutter", "vad_": "vad_flutter"}
    assert answers["prefixes"]["vad"] == answers["prefixes"]["g2p"]


@pytest.mark.parametrize(
    ("plugin", "component", "change"),
    [
        ("g2p_flutter", "decoder_step", 'weights["dec_w_hh"][7, 7] += 1.0'),
        ("vad_flutter", "step", 'weights["conv2_weight"][0, 0, 1] += 1.0'),
    ],
)
@pytest.mark.usefixtures("bundle")  # which copies the libraries before they are built wrong
def test_the_golden_test_fails_when_one_weight_is_changed(
    plugin: str, component: str, change: str, plugins: Path
) -> None:
    script = plugins / plugin / "model" / "export.py"
    right = script.read_text()
    line = next(line for line in right.splitlines() if "    weights = load_weights(" in line)
    try:
        script.write_text(right.replace(line, f"{line}\n    {change}"))
        done = tvmplug("test", "--project", plugins / plugin)
    finally:
        script.write_text(right)
    assert done.returncode == GoldenError.exit_code, done.stderr
    assert f"component `{component}`" in done.stderr.splitlines()[-1]
    assert "component `encoder`" not in done.stderr


@pytest.mark.parametrize("plugin", ["g2p_flutter", "vad_flutter"])
def test_the_golden_test_passes(plugin: str, plugins: Path) -> None:
    done = tvmplug("test", "--project", plugins / plugin)
    assert done.returncode == 0, done.stderr
