"""Manifests and metadata: what they hold, and how damage is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug.errors import ArtifactError, ProjectError
from tvmplug.manifest import Kind, RuntimeGit, RuntimePath, read_manifest
from tvmplug.metadata import (
    Bounds,
    ComponentSpec,
    Metadata,
    TensorSpec,
    parse_metadata,
    read_metadata,
)

_MODEL = """\
kind: model
name: g2p_flutter
prefix: g2p_
components: [encoder, decoder_step]
source: relax
runtime: {from: path, path: ../tvm_runtime_flutter}
platforms: [linux]
tvm: 0.27.0.post1
tvm_ffi: 0.1.15.post2
"""


def _write(folder: Path, text: str) -> Path:
    (folder / "tvm_plugin.yaml").write_text(text)
    return folder


def test_a_model_manifest_is_read_with_its_runtime_beside_it(tmp_path: Path) -> None:
    project = tmp_path / "g2p_flutter"
    project.mkdir()
    manifest = read_manifest(_write(project, _MODEL))
    assert manifest.kind is Kind.MODEL
    assert manifest.model is not None
    assert manifest.model.components == ("encoder", "decoder_step")
    assert manifest.model.runtime == RuntimePath("../tvm_runtime_flutter")
    assert manifest.runtime_root == tmp_path / "tvm_runtime_flutter"


def test_a_runtime_found_by_git_has_no_folder(tmp_path: Path) -> None:
    text = _MODEL.replace(
        "{from: path, path: ../tvm_runtime_flutter}", "{from: git, url: a.git, ref: v1}"
    )
    manifest = read_manifest(_write(tmp_path, text))
    assert manifest.model is not None
    assert manifest.model.runtime == RuntimeGit("a.git", "v1")
    assert manifest.runtime_root is None


def test_the_runtime_plugin_is_its_own_runtime(tmp_path: Path) -> None:
    text = "kind: runtime\nname: tvm_runtime_flutter\nplatforms: [linux]\ntvm: '1'\ntvm_ffi: '2'\n"
    manifest = read_manifest(_write(tmp_path, text))
    assert manifest.model is None
    assert manifest.runtime_root == tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: model", "kind: both", "not one of runtime, model"),
        ("name: g2p_flutter", "name: ../g2p", "no plugin name"),
        ("prefix: g2p_", "prefix: g2p", "no prefix"),
        ("prefix: g2p_", "prefix: [g2p_]", "'prefix' is missing or no text"),
        ("[encoder, decoder_step]", "encoder", "no list of names"),
        ("[encoder, decoder_step]", "[]", "lists no component"),
        ("[encoder, decoder_step]", "[a, a]", "twice"),
        ("from: path", "from: ftp", "not one of path, git, hosted"),
        ("source: relax", "source: keras", "not one of torch, onnx, relax"),
        ("tvm: 0.27.0.post1", "tvm: 0.27", "'tvm' is missing or no text"),
        (_MODEL, "- a list", "holds no mapping"),
        (_MODEL, "a: [", "cannot be read"),
        (_MODEL, "\x00", "cannot be read"),
    ],
)
def test_a_damaged_manifest_says_what_is_wrong(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(ProjectError, match=said) as caught:
        read_manifest(_write(tmp_path, _MODEL.replace(old, new)))
    assert "\n" not in str(caught.value)
    assert caught.value.mend


def test_a_folder_that_is_no_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no tvmplug plugin"):
        read_manifest(tmp_path)


_TENSORS = st.builds(
    TensorSpec,
    name=st.text("abc", min_size=1),
    dtype=st.sampled_from(["float32", "int64"]),
    shape=st.lists(st.integers(1, 99) | st.just("n"), max_size=3).map(tuple),
    range=st.none() | st.tuples(st.integers(-5, 0), st.integers(1, 5)),
)
_COMPONENTS = st.builds(
    ComponentSpec,
    name=st.just("encoder"),
    prefix=st.just("g2p_encoder_"),
    function=st.just("main"),
    inputs=st.lists(_TENSORS, max_size=3).map(tuple),
    outputs=st.lists(_TENSORS, max_size=3).map(tuple),
    dims=st.just({"n": Bounds(1, 64)}),
    rtol=st.floats(0, 1),
    atol=st.floats(0, 1),
)
_METADATA = st.builds(
    Metadata,
    plugin=st.just("g2p_flutter"),
    prefix=st.just("g2p_"),
    archive=st.just("libg2p_flutter_system_lib.a"),
    archive_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    target=st.just("linux-x64"),
    tvm_target=st.just({"kind": "llvm"}),
    tvm=st.just("0.27.0.post1"),
    tvm_ffi=st.just("0.1.15.post2"),
    source_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    components=st.lists(_COMPONENTS, max_size=2).map(tuple),
)


@given(_METADATA)
def test_metadata_survives_its_json(metadata: Metadata) -> None:
    assert parse_metadata(metadata.to_json()) == metadata


@given(_METADATA, st.data())
def test_metadata_with_a_missing_value_is_an_error_not_a_crash(
    metadata: Metadata, data: st.DataObject
) -> None:
    document = json.loads(metadata.to_json())
    del document[data.draw(st.sampled_from(sorted(document)))]
    with pytest.raises(ArtifactError, match="damaged"):
        parse_metadata(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 2}'])
def test_text_that_is_no_metadata_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "system_lib.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"system_lib\.json"):
        read_metadata(path)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_metadata(tmp_path / "missing.json")
