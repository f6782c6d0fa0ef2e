"""Cookiecutter's questions are Copier's; tests/cookiecutter generates with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tvmplug.cookiecutter_door import copier_source, new_command
from tvmplug.cookiecutter_questions import cookiecutter_json
from tvmplug.errors import UsageError

from .conftest import REPOSITORY, git
from .matrix import QUESTIONS, choices

DOOR: dict[str, Any] = json.loads((REPOSITORY / "cookiecutter.json").read_text())
ASKED = [
    name
    for name, question in QUESTIONS.items()
    if not name.startswith("_") and question.get("when") is not False
]


def test_the_file_is_what_copiers_questions_make() -> None:
    made = cookiecutter_json(REPOSITORY)
    assert (REPOSITORY / "cookiecutter.json").read_text() == made, "make reference writes it anew"


def test_both_ask_the_same_in_the_same_order() -> None:
    assert [name for name in DOOR if not name.startswith("_")] == ASKED
    assert list(DOOR["__prompts__"]) == ASKED


@pytest.mark.parametrize("name", [name for name in ASKED if isinstance(DOOR[name], list)])
def test_both_offer_the_same_choices_with_the_same_words(name: str) -> None:
    offered = DOOR[name]
    assert sorted(offered) == sorted(choices(name))
    assert offered[0] == QUESTIONS[name]["default"]
    prompt = DOOR["__prompts__"][name]
    assert prompt["__prompt__"].startswith(QUESTIONS[name]["help"])
    labels = QUESTIONS[name]["choices"]
    if isinstance(labels, dict):
        assert {label: value for value, label in prompt.items() if value in offered} == labels


def test_an_answer_that_copier_would_not_ask_for_is_not_handed_over() -> None:
    context = {
        **dict.fromkeys(ASKED, "x"), "kind": "runtime", "runtime_parts": "[rpc]",
        "_answered_if": DOOR["_answered_if"], "_checkout": "v0.1.0",
    }  # fmt: skip
    command = new_command(context, "gh:org/tvmplug", "tvm_runtime_flutter")
    assert command[:3] == ["new", "runtime", "tvm_runtime_flutter"]
    assert command[command.index("--vcs-ref") + 1] == "v0.1.0"
    answered = {entry.partition("=")[0] for entry in command if "=" in entry}
    assert answered == {
        "description", "organisation", "author", "license", "repository", "platforms",
        "apple_linkage", "runtime_parts",
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "gh:org/tvmplug",
        "git@example.com:org/tvmplug",
        "https://github.com/org/tvmplug",
        "https://example.com/tvmplug.git",
    ],
)
def test_an_address_that_copier_understands_is_kept_as_typed(address: str, tmp_path: Path) -> None:
    assert copier_source(address, tmp_path) == address


def test_what_only_cookiecutter_understands_is_read_from_the_clone(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageError, match="names no origin"):
        copier_source("bb:org/tvmplug", tmp_path)
    git(tmp_path, "remote", "add", "origin", "https://bitbucket.org/org/tvmplug.git")
    assert copier_source("bb:org/tvmplug", tmp_path) == "https://bitbucket.org/org/tvmplug.git"
    git(tmp_path, "remote", "set-url", "origin", "https://example.com/org/tvmplug")
    assert copier_source("my:org/tvmplug", tmp_path) == "git+https://example.com/org/tvmplug"


def test_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no newer versions to update to"):
        copier_source("https://example.com/tvmplug.zip", tmp_path)
