"""Cookiecutter's questions, derived from Copier's: `make reference` writes them.

`cookiecutter.json` holds nothing of its own: `tvmplug publish` derives those of the mirrors, where
the kind is fixed, and a test compares the file with what is derived.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Where Copier proposes something by means that Cookiecutter has not: the new folder's name, which
# comes first there, and macros.
_PROPOSED = {
    "plugin_name": "{{ 'tvm_runtime_flutter' if kind == 'runtime' else 'hello_flutter' }}",
    "prefix": (
        "{{ plugin_name.rsplit('_', 1)[0]"
        " if plugin_name.endswith(('_flutter', '_plugin', '_model')) else plugin_name }}_"
    ),
}
_EXPRESSION = re.compile(r"\{\{.*?\}\}")
_NAME = re.compile(r"'[^']*'|(?<![.\w])[a-z_]+(?!\w)")
_EQUALS = re.compile(r"(\w+) == '(\w+)'")
_CONTAINS = re.compile(r"'(\w+)' in (\w+)")


def cookiecutter_json(template: Path) -> str:
    """Return the text of `cookiecutter.json`.

    Args:
        template: The folder with copier.yml. In a mirror the kind is fixed, and not asked.
    """
    from copier._template import load_template_config  # noqa: PLC0415 (0.3 s)

    declared = load_template_config(template / "copier.yml")
    questions = {name: entry for name, entry in declared.items() if not name.startswith("_")}
    # Cookiecutter names the new folder by it, whichever kind.
    questions["plugin_name"] = {**questions["plugin_name"], "when": True}
    kind = questions["kind"]["default"] if questions["kind"].get("when") is False else None
    constants = {
        name: str(question["default"])
        for name, question in questions.items()
        if question.get("when") is False and "{" not in str(question["default"])
    }
    asked = {
        name: question
        for name, question in questions.items()
        if question.get("when") is not False and _is_for(kind, question)
    }
    context: dict[str, Any] = {
        name: _proposal(name, question, asked, constants) for name, question in asked.items()
    }
    context["__prompts__"] = {name: _prompt(question, kind) for name, question in asked.items()}
    # Copier refuses a wrong answer even to a question that it would not have asked.
    context["_answered_if"] = {
        name: conditions
        for name, question in asked.items()
        if (conditions := dict(_EQUALS.findall(str(question.get("when", "")))))
    }
    if kind is not None:
        context["_kind"] = kind
    return json.dumps(context, indent=2, ensure_ascii=False) + "\n"


def _is_for(kind: str | None, question: Mapping[str, Any]) -> bool:
    if kind is None:
        return True
    wanted = dict(_EQUALS.findall(str(question.get("when", "")))).get("kind", kind)
    return bool(wanted == kind)


def _proposal(
    name: str,
    question: Mapping[str, Any],
    asked: Mapping[str, Any],
    constants: Mapping[str, str],
) -> str | list[str]:
    """The default in Cookiecutter's form: the first of a list of choices, else a text."""
    default = question["default"]
    if "choices" in question and not question.get("multiselect"):
        return [default, *(choice for choice in _choices(question) if choice != default)]
    if isinstance(default, list):
        return f"[{', '.join(default)}]"
    text = _PROPOSED.get(name, str(default))
    return _EXPRESSION.sub(lambda found: _translated(found[0], asked, constants), text)


def _translated(expression: str, asked: Mapping[str, Any], constants: Mapping[str, str]) -> str:
    """An expression over Copier's names as one over Cookiecutter's."""

    def name_of(found: re.Match[str]) -> str:
        name = found[0]
        if name in asked:
            return f"cookiecutter.{name}"
        return f"'{constants[name]}'" if name in constants else name

    translated = _NAME.sub(name_of, expression)
    constant = re.fullmatch(r"\{\{ '([^']*)' \}\}", translated)
    return constant[1] if constant else translated


def _prompt(question: Mapping[str, Any], kind: str | None) -> str | dict[str, str]:
    """What is asked: the help, with what else Copier would show or decide."""
    text = str(question["help"]).replace("[", r"\[")  # Cookiecutter reads Rich's markup
    if only := _only_for(str(question.get("when", "")), kind):
        text += f" (only for {only})"
    if question.get("multiselect"):
        return f"{text}: any of {', '.join(_choices(question))}"
    if "choices" not in question:
        return text
    labels = question["choices"]
    named = {value: label for label, value in labels.items()} if isinstance(labels, Mapping) else {}
    return {"__prompt__": text, **named}


def _choices(question: Mapping[str, Any]) -> list[str]:
    """The values that may be answered, without those that Copier shows but refuses."""
    choices = question["choices"]
    values = choices.values() if isinstance(choices, Mapping) else choices
    return [
        value["value"] if isinstance(value, Mapping) else value
        for value in values
        if not (isinstance(value, Mapping) and "validator" in value)
    ]


def _only_for(when: str, kind: str | None) -> str:
    """When Copier would ask, in words; Cookiecutter asks everything."""
    named = [f"{name}={value}" for name, value in _EQUALS.findall(when)]
    named += [value for value, _ in _CONTAINS.findall(when)]
    joined = " or " if " or " in when else " and "
    return joined.join(condition for condition in named if condition != f"kind={kind}")
