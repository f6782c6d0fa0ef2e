"""`make demo`, as a newcomer runs it: two real models in one process over one TVM runtime."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from tests.docs.pages import blocks_of

ROOT = Path(__file__).parents[2]
SOUND = ROOT / "examples" / "vad" / "speech.wav"

pytestmark = pytest.mark.slow


def _demo(words: str, sound: Path) -> subprocess.CompletedProcess[str]:
    environment = {"TVMPLUG_CACHE_DIR": str(ROOT / ".cache" / "tvmplug"), **os.environ}
    return subprocess.run(
        [sys.executable, "-m", "demo.run", "--words", words, "--sound", sound],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def shown() -> subprocess.CompletedProcess[str]:
    done = _demo("cat tvm flutterby", SOUND)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_prints_phonemes_for_the_words_that_were_asked(
    shown: subprocess.CompletedProcess[str],
) -> None:
    lines = dict(re.findall(r"^  (cat|tvm|flutterby) +(\S.*)$", shown.stdout, re.M))
    assert lines["cat"] == "K AE1 T"
    assert lines["flutterby"].split()[:3] == ["F", "L", "AH1"]


def test_it_prints_speech_segments_that_lie_in_the_sound(
    shown: subprocess.CompletedProcess[str],
) -> None:
    with wave.open(str(SOUND)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    segments = [
        (float(start), float(end))
        for start, end in re.findall(r"^ +([\d.]+) s to +([\d.]+) s$", shown.stdout, re.M)
    ]
    assert segments
    assert all(0 <= start < end <= seconds + 0.01 for start, end in segments)
    assert segments == sorted(segments)
    assert sum(end - start for start, end in segments) < seconds


def test_the_process_holds_one_runtime_and_each_prefix_has_its_owner(
    shown: subprocess.CompletedProcess[str],
) -> None:
    assert "TVM runtimes in this process: 1 (TVM 0.27" in shown.stdout
    owners = dict(re.findall(r"^  (\w+_) +(\w+)$", shown.stdout, re.M))
    assert owners == {"g2p_": "g2p_flutter", "vad_": "vad_flutter"}
    libraries = re.findall(r"^ +[\d.]+ MB +(\S+\.so)$", shown.stdout, re.M)
    assert sorted(libraries) == [
        "libg2p_flutter.so",
        "libtvm_ffi.so",
        "libtvm_runtime.so",
        "libvad_flutter.so",
    ]


def test_it_ends_with_the_refusal_of_a_taken_prefix(
    shown: subprocess.CompletedProcess[str],
) -> None:
    refusal = shown.stderr[shown.stderr.index("A third plugin asks for g2p_") :]
    assert "g2p_flutter" in refusal
    assert re.search(r"refused, exit status [1-9]", refusal)
    assert not (ROOT / "build" / "demo" / "third_flutter").exists()


def test_a_second_run_uses_what_the_first_made_and_says_what_a_word_lacks(
    shown: subprocess.CompletedProcess[str],
) -> None:
    again = _demo("dog héllo", SOUND)
    assert again.returncode == 0, again.stderr
    assert "nothing they are made of changed" in again.stderr
    assert re.search(r"^  dog +D AO1 G$", again.stdout, re.M)
    assert "letters a to z" in again.stdout


def test_the_page_of_the_documentation_shows_what_it_prints(
    shown: subprocess.CompletedProcess[str],
) -> None:
    command, page = blocks_of(ROOT / "docs" / "demo.md")
    words = re.findall(r'WORDS="([^"]+)"', command.text)[0]
    told = _demo(words, SOUND.relative_to(ROOT))
    assert told.returncode == 0, told.stderr
    # A terminal shows both; what is said about the work is on stderr.
    refused = told.stderr[told.stderr.index("prefix 'g2p_' is taken") :]
    assert _shape(told.stdout + refused) == _shape(page.text)


def _shape(text: str) -> list[str]:
    """The lines without numbers and sizes, which other compilers and processors may change."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return [re.sub(r"\b\d+(\.\d+)+(\.post\d+)?\b", "#", line) for line in lines if line]


def test_a_missing_sound_is_one_line_with_the_mend(tmp_path: Path) -> None:
    done = _demo("cat", tmp_path / "gone.wav")
    assert done.returncode == 2
    assert "SOUND=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_sound_is_one_line_with_the_mend(
    shown: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    done = _demo("cat", text)
    assert done.returncode == 1
    assert "is no WAV file" in done.stderr
    assert "panicked" not in done.stderr
