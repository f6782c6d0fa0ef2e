"""The page of the C interface, from `tvm_plugin.h` of the runtime plugin."""

from __future__ import annotations

import re
from pathlib import Path

from tools.reference.markdown import code, joined, table, top

_EXAMPLE = "g2p_"
HEADER = Path(__file__).resolve().parents[2] / "template-runtime" / "include" / "tvm_plugin.h"

_INTRODUCTION = """
Every model plugin exports these functions under its own prefix, so any number of plugins live in
one process: `g2p_model_open`, `vad_model_open`. Dart's bindings are made from the same header,
`include/tvm_plugin.h` in the runtime plugin; include it to call a plugin from C or C++. The
signatures below are those of a plugin with the prefix `g2p_`.
"""


def page() -> str:
    """The page's text."""
    header = HEADER.read_text(encoding="utf-8")
    parts = [
        top("C interface", "`template-runtime/include/tvm_plugin.h`"),
        _INTRODUCTION,
        *_rules(header),
        "\n## Functions\n",
        *_functions(header),
        "\n## Types\n",
        _types(header),
    ]
    return joined(parts)


def functions(header: str) -> dict[str, str]:
    """The signature of each function that the header declares, by its name without a prefix."""
    macro = header[header.index("#define TVM_PLUGIN_DECLARE(P)") :]
    line = " ".join(line.rstrip("\\ ") for line in macro.splitlines())
    found = re.findall(r"TVM_PLUGIN_API ([^;]*?)P##(\w+)\(([^;]*)\);", line)
    return {
        name: " ".join(f"{result}{_EXAMPLE}{name}({arguments.strip()});".split())
        for result, name, arguments in found
    }


def _rules(header: str) -> list[str]:
    """The paragraphs of the header's first comment that begin with a word and a full stop."""
    comment = _comment(header, "The C interface of a model plugin.")
    paragraphs = [" ".join(each.split()) for each in comment.split("\n\n")]
    rules = [re.fullmatch(r"(Errors|Ownership|Threads)\. (.*)", each) for each in paragraphs]
    return [f"**{rule[1]}.** {_names(rule[2])}\n" for rule in rules if rule]


def _functions(header: str) -> list[str]:
    declared = functions(header)
    told = _told(_comment(header, "The functions of the plugin with the prefix P."))
    groups: dict[str, list[str]] = {}
    for name in declared:
        groups.setdefault(_GROUPS.get(name.partition("_")[0], "The plugin"), []).append(name)
    parts = []
    for group, members in groups.items():
        signatures = "\n".join(declared[name] for name in members)
        rows = [(code(name), _names(told.get(name, ""))) for name in members]
        parts += [
            f"\n### {group}\n",
            table(("function", "what it does"), rows),
            f"\n```c\n{signatures}\n```\n",
        ]
    return parts


_GROUPS = {
    "session": "Sessions",
    "result": "Sessions",
    "tensor": "Tensors",
    "model": "Models",
    "mailbox": "Mailboxes",
    "ticket": "Mailboxes",
    "value": "Values and errors",
    "error": "Values and errors",
}


def _told(comment: str) -> dict[str, str]:
    """What the comment says of each function: `name:` or `name, name:` begins an entry."""
    told: dict[str, str] = {}
    names: list[str] = []
    for line in comment.splitlines():
        if new := re.match(r"(\w+(?:, \w+)*):\s+(.*)", line):
            names = new[1].split(", ")
            told.update(dict.fromkeys(names, new[2]))
        elif line.startswith("  ") and names:
            told.update({name: f"{told[name]} {line.strip()}" for name in names})
        else:
            names = []
    return told


def _types(header: str) -> str:
    """The enumerations and structures as they are declared."""
    start, end = header.index("/* Codes of errors."), header.index("#ifdef __cplusplus")
    first = header[start:end]
    start, end = header.index("/* Bytes, or UTF-8"), header.index("/*\n * The functions")
    return f"```c\n{first.rstrip()}\n\n{header[start:end].rstrip()}\n```\n"


def _comment(header: str, begins: str) -> str:
    """The text of the comment with this first line, without the stars."""
    start = header.index(begins)
    lines = header[start : header.index("*/", start)].splitlines()
    return "\n".join(re.sub(r"^ \* ?", "", line) for line in lines)


def _names(text: str) -> str:
    """Names of the interface as code."""
    text = text.replace("<", "&lt;")
    return re.sub(r"(?<!`)\b(TVM_PLUGIN_\w+|tvm_plugin_\w+|PREFIX\w+)\b", r"`\1`", text)
