"""What these tests share: plugins for Android, rendered by Copier from both templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.templates.conftest import isolated, render, template

__all__ = ["isolated", "template"]

# Android's names of the two processors, and the targets that are built for them.
ABIS = {"arm64-v8a": "android-arm64", "x86_64": "android-x64"}
# The plugins, and what their Kotlin classes are called.
PLUGINS = {"tvm_runtime_flutter": "TvmRuntimePlugin", "g2p_flutter": "G2pModelPlugin"}
# The second one is made of words that Kotlin keeps for itself.
ORGANISATIONS = ("com.example", "in.example.is")


@pytest.fixture(scope="module")
def render_plugin(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    """Renders a plugin by its name and organisation; each is made once. Do not change it."""
    made: dict[tuple[str, str], Path] = {}

    def plugin(name: str, organisation: str = "com.example") -> Path:
        if (name, organisation) not in made:
            is_runtime = name == "tvm_runtime_flutter"
            made[name, organisation] = render(
                template,
                tmp_path_factory.mktemp("android") / name,
                kind="runtime" if is_runtime else "model",
                platforms=["android"],
                organisation=organisation,
                **({} if is_runtime else {"plugin_name": name}),
            )
        return made[name, organisation]

    return plugin
