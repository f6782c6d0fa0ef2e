"""The variants of both templates, computed from the choices in copier.yml."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from copier._template import load_template_config

from .conftest import REPOSITORY

QUESTIONS: dict[str, Any] = load_template_config(REPOSITORY / "copier.yml")
LONG_NAME = "a_plugin_with_many_words_in_its_name_flutter"
AXES = {"runtime": ("license",), "model": ("source", "runtime_from", "license")}


def choices(question: str) -> list[str]:
    """What may be answered to a question."""
    declared = QUESTIONS[question]["choices"]
    return list(declared.values()) if isinstance(declared, dict) else list(declared)


def variants() -> dict[str, dict[str, Any]]:
    """Answers by a short name: every pair of choices of a kind that can meet, and odd names."""
    found: dict[str, dict[str, Any]] = {}
    for kind in choices("kind"):
        axes = AXES[kind]
        for values in product(*(choices(axis) for axis in axes)):
            # Licences touch one file: they vary with the first choice of the other axes only.
            others = values[:-1]
            if any(
                value != choices(axis)[0] for axis, value in zip(axes, others, strict=False)
            ) and (values[-1] != choices("license")[0]):
                continue
            found["-".join((kind, *values))] = {
                "kind": kind, **dict(zip(axes, values, strict=True)),
                **({"plugin_name": "g2p_flutter"} if kind == "model" else {}),
            }  # fmt: skip
    found["model-two-components"] = {
        "kind": "model", "plugin_name": "g2p_flutter", "components": ["encoder", "decoder_step"],
        "repository": "https://github.com/example/g2p_flutter",
    }  # fmt: skip
    found["model-long-name"] = {
        "kind": "model", "plugin_name": LONG_NAME, "author": "O'Hara: & sons #1",
        "description": "Speaks: it's 100% local, and #1 'here' - that is all.",
        "components": ["the_encoder_with_a_long_name", "the_decoder_with_a_longer_name"],
    }  # fmt: skip
    found["model-linux"] = {"kind": "model", "plugin_name": "g2p_flutter", "platforms": ["linux"]}
    found["model-phones-static"] = {
        "kind": "model", "plugin_name": "g2p_flutter",
        "platforms": ["ios", "android"], "apple_linkage": "static",
    }  # fmt: skip
    found["model-frb"] = {"kind": "model", "plugin_name": "g2p_flutter", "bindings": "frb"}
    found["model-frb-linux"] = {
        "kind": "model", "plugin_name": "g2p_flutter", "bindings": "frb", "platforms": ["linux"],
        "components": ["encoder", "decoder_step"], "runtime_from": "hosted",
    }  # fmt: skip
    found["runtime-apple-static"] = {
        "kind": "runtime", "platforms": ["macos"], "apple_linkage": "static",
        "runtime_parts": ["kv-cache", "rpc"],
    }  # fmt: skip
    found["model-short-name"] = {"kind": "model", "plugin_name": "a1", "components": ["x"]}
    return found


# Of these each kind has one; the others are for `make test`.
FAST = frozenset({"model-two-components", "runtime-apple-static"})


def is_bridged(variant: str) -> bool:
    """Whether a variant's Dart needs flutter_rust_bridge's package and generated code."""
    return variants()[variant].get("bindings") == "frb"


def parameters() -> list[Any]:
    """The variants' names as a fixture's parameters; all but two are slow."""
    return [
        pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
        for name in sorted(variants())
    ]
