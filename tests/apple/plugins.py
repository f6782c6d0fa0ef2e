"""Plugins for Apple's platforms, rendered by Copier from both templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.templates.conftest import isolated, render, template

__all__ = ["PLUGINS", "Render", "isolated", "render_plugin", "template"]

# The plugins of one app, with the prefixes of their functions.
PLUGINS = {"tvm_runtime_flutter": "", "g2p_flutter": "g2p_", "vad_flutter": "vad_"}

Render = Callable[..., Path]


@pytest.fixture(scope="module")
def render_plugin(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Renders a plugin by its name and answers; each is made once. Do not change it."""
    made: dict[str, Path] = {}

    def plugin(name: str, **answers: Any) -> Path:
        key = f"{name} {sorted(answers.items())}"
        if key not in made:
            own = {"kind": "runtime"} if not PLUGINS[name] else {"plugin_name": name}
            answers = {"kind": "model", "platforms": ["ios", "macos"], **own, **answers}
            made[key] = render(template, tmp_path_factory.mktemp("apple") / name, **answers)
        return made[key]

    return plugin
