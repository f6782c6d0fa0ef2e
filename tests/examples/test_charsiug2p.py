"""charsiug2p_flutter speaks as transformers does: token for token, in every language.

All of it is in `make test-models`: PyTorch alone is a download of 3 GB. The tokenizer's tests, in
test_charsiug2p_tokenizer.py, need none.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from charsiug2p import EXAMPLE, PLUGIN, build, generate
from dart_here import dart
from example_plugins import ROOT, RUNTIME, tvmplug

from tools import checks, flutter_test
from tools.packages import write_config
from tvmplug.artifacts.audit import audit_folder
from tvmplug.environment import compile_python
from tvmplug.manifest import read_manifest
from tvmplug.project import find_project
from tvmplug.targets import TARGETS

HERE = Path(__file__).resolve().parent
WORDS = (
    ("eng-us", "charsiu"), ("eng-uk", "flutterby"), ("ger", "Straße"), ("fra", "été"),
    ("rus", "произношение"), ("gre", "λέξη"), ("ara", "كلمة"), ("hin", "शब्द"), ("tha", "ภาษา"),
    ("kor", "발음"), ("jpn", "言葉"), ("zho-s", "叉烧"), ("geo", "სიტყვა"), ("unk", "word"),
    ("eng-us", "a"), ("spa-latin", "x" * 115), ("eng-us", "👩\u200d🚀"),
)  # fmt: skip
REFUSED = (
    ("klingon", "word", '"klingon" is no language that the model knows'),
    ("", "word", '"" is no language that the model knows'),
    ("eng-us", "", "the word is empty"),
    ("eng-us", " ", "the word is empty"),
    ("eng-us", "x" * 119, "the word has 119 bytes"),
    ("eng-us", "語" * 40, "the word has 120 bytes"),
)
ASKED = [name for name, row in TARGETS.items() if row.supported and row.device == "cpu"]
# The export script imports tvmplug.export, as where it is compiled.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
DART_BLOCK = re.compile(r"^```dart\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.models, pytest.mark.slow]


@dataclass(frozen=True)
class Spoken:
    """What the plugin and transformers said to the same words.

    Attributes:
        words: Languages and words.
        got: Of charsiug2p_app.py.
        wanted: Of charsiug2p_reference.py.
    """

    words: Sequence[tuple[str, str]]
    got: dict[str, Any]
    wanted: dict[str, Any]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """charsiug2p_flutter beside the runtime plugin, rendered."""
    return generate(tmp_path_factory.mktemp("charsiug2p"))


@pytest.fixture(scope="module")
def told(plugin: Path) -> str:
    """What the builds of both plugins said."""
    return build(plugin.with_name(RUNTIME)) + build(plugin)


@pytest.fixture(scope="module")
def spoken(plugin: Path, told: str) -> Spoken:
    assert told
    words = list(WORDS)
    languages = (EXAMPLE / "rust/src/api/languages.rs").read_text(encoding="utf-8")
    source = random.Random(0)  # noqa: S311 (no secret)
    for language in re.findall(r'"([a-z-]+)"', languages)[::8]:
        letters = source.choices("aeiouklmnrstäéжяสก語", k=source.randint(1, 12))
        words.append((language, "".join(letters)))
    return Spoken(words, ask(plugin, words), reference(plugin, words))


def ask(plugin: Path, words: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What the built plugin answers."""
    bundle = plugin.parent / "bundle"
    bundle.mkdir(exist_ok=True)
    for project in (plugin, plugin.with_name(RUNTIME)):
        for library in (project / "linux" / "lib" / "x64").glob("*.so"):
            shutil.copy2(library, bundle)
    return run(sys.executable, HERE / "charsiug2p_app.py", bundle, asked=words)


def reference(plugin: Path, words: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What transformers answers."""
    python = compile_python(find_project(plugin))
    return run(python, HERE / "charsiug2p_reference.py", plugin / "model", asked=words)


def run(*command: str | Path, asked: Sequence[Sequence[str]]) -> dict[str, Any]:
    done = subprocess.run(
        command, input=json.dumps(asked), env=ENVIRONMENT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def test_words_of_many_languages_are_spoken_token_for_token_as_by_transformers(
    spoken: Spoken,
) -> None:
    assert len({language for language, _ in spoken.words}) > 20
    assert spoken.got["tokens"] == spoken.wanted["tokens"]
    assert len({str(tokens) for tokens in spoken.got["tokens"]}) > 20, "they differ by word"
    lengths = {len(tokens) for tokens in spoken.got["tokens"]}
    assert max(lengths) <= 128
    ended = [tokens for tokens in spoken.got["tokens"] if tokens[-1] == 1]
    assert all(1 not in tokens[:-1] for tokens in spoken.got["tokens"])
    assert all(tokens in ended or len(tokens) == 128 for tokens in spoken.got["tokens"])


def test_phonemes_are_the_text_that_transformers_reads_in_the_tokens(spoken: Spoken) -> None:
    assert spoken.got["texts"] == spoken.wanted["texts"]


def test_random_weights_are_called_random_in_every_output(
    plugin: Path, told: str, spoken: Spoken
) -> None:
    words = "random, seed 0: pronunciations mean nothing"
    assert f"weights: {words}" in told
    assert spoken.got["weights"] == words
    metadata = json.loads((plugin / "build/tvmplug/linux-x64/system_lib.json").read_text())
    assert {component["notes"]["weights"] for component in metadata["components"]} == {words}


@pytest.mark.parametrize(("language", "word", "message"), REFUSED)
def test_what_cannot_be_spoken_is_refused(
    language: str, word: str, message: str, plugin: Path, told: str
) -> None:
    assert told
    (error,) = ask(plugin, [(language, word)])["tokens"]
    assert error["message"] == message
    assert error["mend"].startswith("Pass ")


def test_the_golden_test_passes(plugin: Path, told: str) -> None:
    assert told
    done = tvmplug("test", "--project", plugin)
    assert done.returncode == 0, done.stderr


def test_a_checkpoints_weights_are_compiled(
    plugin: Path, told: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A small one, as transformers saves it, whose last layer is not tied to the first."""
    assert told
    folder = tmp_path_factory.mktemp("checkpoint")
    (folder / RUNTIME).symlink_to(plugin.with_name(RUNTIME))
    ignored = shutil.ignore_patterns("build", "golden", "target")
    copied = Path(shutil.copytree(plugin, folder / PLUGIN, ignore=ignored))
    script = [HERE / "charsiug2p_reference.py", copied / "model"]
    python = compile_python(find_project(copied))
    save = [python, *script, "--save", copied / "model" / "checkpoint"]
    subprocess.run(save, env=ENVIRONMENT, check=True)
    assert "weights: from model/checkpoint" in build(copied)
    words = WORDS[::3]
    got, wanted = ask(copied, words), reference(copied, words)
    assert got["weights"] == wanted["weights"] == "from model/checkpoint"
    assert wanted["two_tables"], "the last layer was loaded, not tied to the first"
    assert got["tokens"] == wanted["tokens"]
    assert len({str(tokens) for tokens in got["tokens"]}) == len(words)
    done = tvmplug("test", "--project", copied)
    assert done.returncode == 0, done.stderr


def test_it_compiles_for_every_target(plugin: Path, told: str) -> None:
    assert told
    done = tvmplug("build", "--project", plugin, "--target", ",".join(ASKED), "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    rows = {row["target"]: row for row in json.loads(done.stdout)["targets"]}
    assert set(rows) == set(ASKED)
    for name, row in rows.items():
        assert row["error"] is None
        metadata = audit_folder(plugin / "build" / "tvmplug" / name, TARGETS[name])
        assert [component.name for component in metadata.components] == [
            "encoder", "decoder", "decoder_prefill", "decoder_step",
        ]  # fmt: skip
        # The encoder and twice the decoder, and once more its own parts of it.
        assert 25_000_000 < row["model"]["bytes"] < 60_000_000


def test_its_dart_code_is_formatted_has_no_lints_and_passes_its_tests(
    plugin: Path, told: str
) -> None:
    assert told
    toolchain = dart()
    block = DART_BLOCK.findall((plugin / "README.md").read_text(encoding="utf-8"))
    (plugin / "test" / "readme.dart").write_text("".join(block), encoding="utf-8")
    for project in (plugin, plugin / "example"):
        write_config(project, toolchain)
    found = checks.analyze(toolchain, [plugin], resolve=False)
    assert found.ok, found.output
    found = checks.format_check(toolchain, [plugin / "lib", plugin / "test"])
    assert found.ok, found.output
    ask(plugin, [])
    env = {"LD_LIBRARY_PATH": str(plugin.parent / "bundle")}
    done = flutter_test.run(toolchain, plugin, resolve=False, env=env)
    assert done.ok, done.explain()
    assert len([t for t in done.tests if t.outcome is flutter_test.Outcome.PASSED]) >= 5


def test_it_is_the_plugin_of_the_answers(plugin: Path) -> None:
    manifest = read_manifest(plugin)
    assert manifest.name == PLUGIN
    assert manifest.model is not None
    assert manifest.model.prefix == "g2p_"
