from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvmplug import files
from tvmplug.compiler.freshness import is_fresh, source_sha256
from tvmplug.metadata import METADATA_NAME, ComponentSpec, Metadata
from tvmplug.targets import TARGETS

LINUX = TARGETS["linux-x64"]


@pytest.fixture
def built(plugin: Callable[..., Any]) -> Any:
    """A plugin with artifacts as the compiler leaves them; nothing was compiled."""
    made = plugin(components=("encoder",))
    out = made.out()
    files.write_bytes(out / "libg2p_flutter_system_lib.a", b"archive")
    files.write_bytes(made.root / "model" / "golden" / "encoder" / "00.safetensors", b"x")
    metadata = Metadata(
        plugin="g2p_flutter",
        prefix="g2p_",
        archive="libg2p_flutter_system_lib.a",
        archive_sha256=files.sha256_bytes(b"archive"),
        target="linux-x64",
        tvm_target=dict(LINUX.tvm_target),
        tvm="0.27.0.post1",
        tvm_ffi="0.1.15.post2",
        source_sha256=source_sha256(made.root, LINUX),
        components=(ComponentSpec("encoder", "g2p_encoder_", "main", (), (), {}, 0.0, 0.0),),
    )
    files.write_text(out / METADATA_NAME, metadata.to_json())
    assert is_fresh(made.root, LINUX, out)
    return made


def test_times_do_not_matter(built: Any) -> None:
    built.script.touch()
    (built.root / "model" / "__pycache__").mkdir()
    (built.root / "model" / "__pycache__" / "export.pyc").touch()
    assert is_fresh(built.root, LINUX, built.out())


def change_script(root: Path) -> None:
    path = root / "model" / "export.py"
    path.write_text(path.read_text() + "\n")


def add_weights(root: Path) -> None:
    (root / "model" / "weights.bin").write_bytes(b"\0")


def change_manifest(root: Path) -> None:
    path = root / "tvm_plugin.yaml"
    path.write_text(path.read_text().replace("g2p_\n", "phon_\n"))


def damage_archive(root: Path) -> None:
    (root / "build/tvmplug/linux-x64/libg2p_flutter_system_lib.a").write_bytes(b"archivf")


def remove_archive(root: Path) -> None:
    (root / "build/tvmplug/linux-x64/libg2p_flutter_system_lib.a").unlink()


def damage_metadata(root: Path) -> None:
    (root / "build/tvmplug/linux-x64" / METADATA_NAME).write_text("{")


def remove_golden(root: Path) -> None:
    (root / "model/golden/encoder/00.safetensors").unlink()


@pytest.mark.parametrize(
    "change",
    [
        change_script,
        add_weights,
        change_manifest,
        damage_archive,
        remove_archive,
        damage_metadata,
        remove_golden,
    ],
)
def test_any_change_of_content_is_seen(built: Any, change: Callable[[Path], None]) -> None:
    change(built.root)
    assert not is_fresh(built.root, LINUX, built.out())


def test_artifacts_of_another_target_are_not_fresh(built: Any) -> None:
    assert not is_fresh(built.root, TARGETS["linux-arm64"], built.out())


def test_a_golden_case_is_a_result_and_no_source(built: Any) -> None:
    files.write_bytes(built.root / "model" / "golden" / "encoder" / "00.safetensors", b"y")
    assert is_fresh(built.root, LINUX, built.out())


def test_the_decision_loads_neither_tvm_nor_numpy() -> None:
    code = (
        "import sys, tvmplug.compiler.freshness, tvmplug.compiler.__main__;"
        "assert not {'tvm', 'numpy', 'onnx', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_fresh_plugin_is_left_alone_within_a_second(built: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.out().iterdir()}
    started = time.process_time()
    assert is_fresh(built.root, LINUX, built.out())
    assert time.process_time() - started < 1

    assert built.compile().answer["compiled"] is False
    assert {path: path.stat().st_mtime_ns for path in built.out().iterdir()} == before
