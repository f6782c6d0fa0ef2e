"""The Rust tokenizer of examples/charsiug2p gives what transformers' ByT5Tokenizer gives."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from charsiug2p import EXAMPLE, tokenizer_python

HERE = Path(__file__).resolve().parent
SOURCES = EXAMPLE / "rust" / "src" / "api"
CASES = 1000
# By how many bytes a character has in UTF-8, and characters that writing systems combine.
PLANES = ((0x00, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))
LETTERS = (
    "charsiu àéîõü ßœ Жё שלום مرحبا नमस्ते ภาษา 한국어 日本語 e\u0301 👩\u200d🚀 \ufeff\u2028\t\n\x00"
)

Ask = Callable[[Sequence[str]], list[str]]

pytestmark = [pytest.mark.phones, pytest.mark.slow]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The tokenizer, compiled alone: lines to lines."""
    folder = tmp_path_factory.mktemp("tokenizer")
    for source in (HERE / "tokenizer_host.rs", SOURCES / "tokenizer.rs", SOURCES / "languages.rs"):
        shutil.copy2(source, folder)
    host = folder / "host"
    subprocess.run(
        ["rustc", "--edition=2024", "-Dwarnings", folder / "tokenizer_host.rs", "-o", host],
        check=True,
    )

    def asked(lines: Sequence[str]) -> list[str]:
        done = subprocess.run(
            [host], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
        )
        return done.stdout.split("\n")[:-1]

    return asked


@pytest.fixture(scope="module")
def byt5(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Transformers' tokenizer: texts to ids, ids to texts."""
    python = tokenizer_python(tmp_path_factory.mktemp("pins"))

    def answers(*, texts: Sequence[str] = (), ids: Sequence[Sequence[int]] = ()) -> Any:
        done = subprocess.run(
            [python, HERE / "byt5.py"],
            input=json.dumps({"texts": texts, "ids": ids}),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return answers


def random_text(source: random.Random) -> str:
    """Characters of all lengths, often those that writing systems combine."""

    def character() -> str:
        if source.random() < 0.5:
            return source.choice(LETTERS)
        return chr(source.randint(*source.choice(PLANES)))

    return "".join(character() for _ in range(source.randint(0, 24)))


def numbers(line: str) -> list[int]:
    return [int(number) for number in line.split()]


def test_random_unicode_becomes_the_same_ids(ask: Ask, byt5: Callable[..., Any]) -> None:
    source = random.Random(0)  # noqa: S311 (no secret)
    texts = [random_text(source) for _ in range(CASES)]
    got = [numbers(line) for line in ask([f"encode {text.encode().hex()}" for text in texts])]
    assert got == byt5(texts=texts)["ids"]


def test_random_ids_become_the_same_text(ask: Ask, byt5: Callable[..., Any]) -> None:
    """Bytes that are no UTF-8, broken characters, and marks between them included."""
    source = random.Random(1)  # noqa: S311 (no secret)
    ids = [[source.randint(0, 383) for _ in range(source.randint(0, 24))] for _ in range(CASES)]
    for _ in range(CASES):
        whole = [byte + 3 for byte in random_text(source).encode()]
        for _ in range(source.randint(0, 3)):
            if whole:
                del whole[source.randrange(len(whole))]
        ids.append([*whole, 1])
    asked = ["decode " + " ".join(map(str, each)) for each in ids]
    got = [bytes.fromhex(line).decode() for line in ask(asked)]
    assert got == byt5(ids=ids)["texts"]


def test_every_languages_mark_is_what_transformers_reads(
    ask: Ask, byt5: Callable[..., Any]
) -> None:
    (told,) = ask(["languages"])
    languages = told.split()
    assert len(languages) == 101
    got = [numbers(line) for line in ask([f"mark {language}" for language in languages])]
    assert got == byt5(texts=[f"<{language}>: " for language in languages])["ids"]
    assert [ids[0] for ids in got if ids[0] < 3] == [2]  # `<unk>`


@pytest.mark.parametrize("source", ["tokenizer.rs", "languages.rs"])
def test_the_tests_in_the_sources_pass(source: str, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    command = ["rustc", "--edition=2024", "--test", SOURCES / source, "-o", tests]
    subprocess.run(command, check=True)
    done = subprocess.run([tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 passed" not in done.stdout
