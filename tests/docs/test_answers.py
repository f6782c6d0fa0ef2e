"""Pages that change an answer of a plugin: each of their commands does what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.docs.pages import ROOT, Block, blocks_of
from tests.docs.running import Reader

pytestmark = pytest.mark.slow

COMMAND = re.compile(r"copier update --trust --defaults -d (\w+)=\S.*--vcs-ref=:current:\n")
# What the manifest says afterwards, by the question that is answered anew.
AFTERWARDS: dict[str, dict[str, Any]] = {
    "apple_linkage": {"apple_linkage": "static"},
    "components": {"components": ["encoder", "decoder_step"]},
    "platforms": {"platforms": ["linux", "android"]},
    "prefix": {"prefix": "note_"},
    "runtime_from": {"runtime": {"from": "hosted", "version": "^0.27.0"}},
}


def commands() -> dict[str, Block]:
    """The commands of all pages that answer a question anew, by the question."""
    found = {}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in blocks_of(page):
            if block.is_command and (command := COMMAND.fullmatch(block.text)):
                found[command[1]] = block
    return found


@pytest.fixture(scope="module")
def plugin(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model plugin for Linux and Macs, under git."""
    folder = tmp_path_factory.mktemp("answers")
    reader = Reader(folder, {**environment, "TVMPLUG_SKIP_HOOKS": "1"})
    reader.shell(
        "copier copy --trust --defaults --quiet -d kind=model -d platforms='[linux, macos]'"
        ' "$TVMPLUG" tuner_flutter && cd tuner_flutter && git init --quiet'
        " && git add --all && git commit --quiet --message Generated"
    )
    return folder / "tuner_flutter"


def test_pages_change_these_answers() -> None:
    assert set(commands()) == set(AFTERWARDS)


@pytest.mark.parametrize("question", AFTERWARDS)
def test_the_command_changes_the_answer_and_nothing_that_is_the_authors(
    question: str, plugin: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(plugin, tmp_path / "tuner_flutter")
    reader = Reader(tmp_path / "tuner_flutter", {**environment, "TVMPLUG_SKIP_HOOKS": "1"})
    reader.shell(commands()[question].text)
    manifest = YAML(typ="safe").load((reader.folder / "tvm_plugin.yaml").read_text())
    assert {key: manifest[key] for key in AFTERWARDS[question]} == AFTERWARDS[question]
    assert (reader.folder / "android").is_dir() == (question == "platforms")
    changed = reader.shell("git status --porcelain")
    assert not re.search(r"^(UU|AA|U|.U)|\.rej$", changed, re.MULTILINE)
    assert "pubspec.yaml" not in changed
    assert "api.rs" not in changed
