"""A schema takes what its reader takes, and refuses what its reader refuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.docs.pages import ROOT, blocks_of
from tests.docs.validating import problems
from tests.templates.conftest import isolated, rendered, renders, template  # noqa: F401 - fixtures  # noqa: F401
from tvmplug.errors import TvmplugError
from tvmplug.fleet.config import parse_fleet
from tvmplug.manifest import parse_manifest
from tvmplug.metadata import Bounds, ComponentSpec, Metadata, TensorSpec, parse_metadata
from tvmplug.registry import parse_registry

GONE = object()
# Every key that a template writes into a manifest, in each of its forms.
VARIANTS = (
    "runtime-Apache-2.0",
    "runtime-apple-static",
    "model-onnx-git-Apache-2.0",
    "model-phones-static",
    "model-relax-hosted-Apache-2.0",
    "model-two-components",
)

MODEL: dict[str, Any] = {
    "kind": "model",
    "name": "g2p_flutter",
    "organisation": "com.example",
    "prefix": "g2p_",
    "components": ["encoder", "decoder_step"],
    "source": "torch",
    "runtime": {"from": "path", "path": "../tvm_runtime_flutter"},
    "platforms": ["linux", "ios"],
    "apple_linkage": "static",
    "tvm": "0.27.0.post1",
    "tvm_ffi": "0.1.15.post2",
}
REGISTRY: dict[str, Any] = {"version": 1, "plugins": {"g2p_flutter": {"prefix": "g2p_"}}}
FLEET: dict[str, Any] = {
    "version": 1,
    "templates": ["gh:acme/template-model"],
    "runtime": "tvm_runtime_flutter",
    "defaults": {"branch": "tvmplug/update", "verify": "render"},
    "repositories": [
        "../tvm_runtime_flutter",
        {"path": "../g2p_flutter", "groups": ["speech"], "data": {"organisation": "com.acme"}},
        {"url": "git@example.com:acme/kokoro_flutter.git", "base": "main", "keep_edits": True},
    ],
}
METADATA = json.loads(
    Metadata(
        plugin="g2p_flutter",
        prefix="g2p_",
        archive="libg2p_flutter_system_lib.a",
        archive_sha256="0" * 64,
        target="linux-x64",
        tvm_target={"kind": "llvm"},
        tvm="0.27.0.post1",
        tvm_ffi="0.1.15.post2",
        source_sha256="1" * 64,
        components=(
            ComponentSpec(
                name="encoder",
                prefix="g2p_encoder_",
                function="main",
                inputs=(TensorSpec("ids", "int64", (1, "n"), (0, 29)),),
                outputs=(TensorSpec("hidden", "float32", (1, 256)),),
                dims={"n": Bounds(1, 64)},
                rtol=1e-4,
                atol=1e-5,
            ),
        ),
    ).to_json()
)


def _manifest(document: Any) -> None:
    parse_manifest(json.dumps(document).encode(), Path("/plugin"))


def _registry(document: Any) -> None:
    parse_registry(Path("/tvm_plugins.yaml"), json.dumps(document))


def _fleet(document: Any) -> None:
    parse_fleet(Path("/fleet/fleet.yaml"), json.dumps(document))


def _metadata(document: Any) -> None:
    parse_metadata(json.dumps(document))


READERS: dict[str, tuple[dict[str, Any], Callable[[Any], None]]] = {
    "tvm_plugin": (MODEL, _manifest),
    "tvm_plugins": (REGISTRY, _registry),
    "fleet": (FLEET, _fleet),
    "system_lib": (METADATA, _metadata),
}
# Which file, where in it, and what is put there instead.
BROKEN = [
    ("tvm_plugin", "kind", "plugin"),
    ("tvm_plugin", "kind", GONE),
    ("tvm_plugin", "name", "G2p"),
    ("tvm_plugin", "name", "class"),
    ("tvm_plugin", "name", "tvm_runtime"),
    ("tvm_plugin", "prefix", "g2p"),
    ("tvm_plugin", "prefix", "tvm_mine_"),
    ("tvm_plugin", "prefix", GONE),
    ("tvm_plugin", "components", []),
    ("tvm_plugin", "components", ["encoder", "encoder"]),
    ("tvm_plugin", "components", ["fn"]),
    ("tvm_plugin", "components", "encoder"),
    ("tvm_plugin", "source", "jax"),
    ("tvm_plugin", "runtime", "../tvm_runtime_flutter"),
    ("tvm_plugin", "runtime", {"from": "git", "url": "https://example.com/r.git"}),
    ("tvm_plugin", "runtime.from", "disk"),
    ("tvm_plugin", "platforms", [1]),
    ("tvm_plugin", "apple_linkage", "dynamic"),
    ("tvm_plugin", "tvm", 0.27),
    ("tvm_plugin", "tvm_ffi", ""),
    ("tvm_plugins", "version", 2),
    ("tvm_plugins", "version", GONE),
    ("tvm_plugins", "plugins", ["g2p_flutter"]),
    ("tvm_plugins", "plugins.g2p_flutter", "g2p_"),
    ("tvm_plugins", "plugins.g2p_flutter.prefix", GONE),
    ("tvm_plugins", "plugins.g2p_flutter.prefix", "lib_"),
    ("tvm_plugins", "plugins.g2p_flutter.prefix", "tvm_"),
    ("tvm_plugins", "plugins.G2P", {"prefix": "g2p_"}),
    ("fleet", "version", "1"),
    ("fleet", "templates", []),
    ("fleet", "templates", GONE),
    ("fleet", "templates", [" "]),
    ("fleet", "repositories", GONE),
    ("fleet", "repositories", [7]),
    ("fleet", "plugins", []),
    ("fleet", "defaults.path", "x"),
    ("fleet", "defaults.verify", "all"),
    ("fleet", "defaults.branch", "a..b"),
    ("fleet", "defaults.branch", "-x"),
    ("fleet", "repositories.1.path", GONE),
    ("fleet", "repositories.1.url", "https://example.com/g2p.git"),
    ("fleet", "repositories.1.name", "../up"),
    ("fleet", "repositories.1.groups", "speech"),
    ("fleet", "repositories.1.data", {"_src_path": "gh:evil/template"}),
    ("fleet", "repositories.2.keep_edits", "yes"),
    ("fleet", "repositories.2.host", "sourcehut"),
    ("system_lib", "format", 2),
    ("system_lib", "plugin", GONE),
    ("system_lib", "tvm_target", 5),
    ("system_lib", "components", 3),
    ("system_lib", "components.0.dims", []),
    ("system_lib", "components.0.dims.n", {"min": 1}),
    ("system_lib", "components.0.rtol", "small"),
    ("system_lib", "components.0.outputs", GONE),
    ("system_lib", "components.0.inputs.0.shape", 4),
    ("system_lib", "components.0.inputs.0.range", [0]),
]


def changed(document: Any, where: str, value: object) -> Any:
    document = copy.deepcopy(document)
    node = document
    *parents, last = where.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return document


@pytest.mark.parametrize("name", READERS)
def test_reader_and_schema_take_a_whole_file(name: str) -> None:
    document, read = READERS[name]
    read(document)
    assert problems(name, document) == []


@pytest.mark.parametrize(("name", "where", "value"), BROKEN)
def test_what_the_reader_refuses_the_schema_refuses(name: str, where: str, value: object) -> None:
    document, read = READERS[name]
    broken = changed(document, where, value)
    with pytest.raises(TvmplugError):
        read(broken)
    assert problems(name, broken)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_generated_files_are_valid(variant: str, rendered: Callable[[str], Path]) -> None:  # noqa: F811
    plugin = rendered(variant)
    for path, document in _files(plugin):
        assert problems(path.stem, document) == [], path


def _files(plugin: Path) -> Iterator[tuple[Path, Any]]:
    load = partial(YAML(typ="safe").load)
    for name in ("tvm_plugin.yaml", "tvm_plugins.yaml"):
        if (plugin / name).is_file():
            yield plugin / name, load((plugin / name).read_text())


def test_the_fleet_file_on_its_page_is_valid() -> None:
    (block,) = [
        each for each in blocks_of(ROOT / "docs" / "fleet.md") if each.text.startswith("version:")
    ]
    parse_fleet(Path("/fleet/fleet.yaml"), block.text)
    assert problems("fleet", YAML(typ="safe").load(block.text)) == []
