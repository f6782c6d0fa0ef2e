"""Whether a plugin's compiled artifacts are still those of its sources; needs no TVM or NumPy.

Called by the compiler before it loads TVM, and by the toolkit before it starts the compiler.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tvmplug import files
from tvmplug.errors import ArtifactError
from tvmplug.manifest import MANIFEST_NAME
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.pins import PINS
from tvmplug.targets import Target

MODEL_DIR = "model"
EXPORT_SCRIPT = "export.py"
GOLDEN_DIR = "golden"

_PACKAGE = Path(__file__).parents[1]
# What of tvmplug decides the bytes of an archive or its metadata.
_OWN_SOURCES = ("artifacts", "compiler", "export.py", "metadata.py", "names.py", "naming.yml")


def is_fresh(root: Path, target: Target, out: Path) -> bool:
    """Tell whether there is nothing to compile: same sources, and artifacts still whole.

    Args:
        root: the plugin's folder.
        target: what the artifacts are for.
        out: the folder of the artifacts.

    Returns:
        False when anything changed or is missing or damaged, the golden cases included.

    Raises:
        FileError: a source cannot be read.
    """
    try:
        metadata = read_metadata(out / METADATA_NAME)
    except ArtifactError:
        return False
    archive = out / metadata.archive
    recorded = {
        path.parent.name for path in (root / MODEL_DIR / GOLDEN_DIR).glob("*/*.safetensors")
    }
    return (
        metadata.target == target.name
        and archive.is_file()
        and all(component.name in recorded for component in metadata.components)
        and metadata.source_sha256 == source_sha256(root, target)
        and metadata.archive_sha256 == files.sha256_file(archive)
    )


def source_sha256(root: Path, target: Target) -> str:
    """Return one SHA-256 over everything that a plugin's archive is made from.

    These are the files below `model/` but for the golden cases (they are a result), the manifest,
    the pinned compiler, the target, and the parts of tvmplug that compile.

    Args:
        root: the plugin's folder.
        target: what is compiled for.

    Returns:
        64 hexadecimal digits.

    Raises:
        FileError: a source cannot be read.
    """
    parts: dict[str, object] = {
        "model": files.sha256_tree(root / MODEL_DIR, ignore=_is_no_source),
        "manifest": files.sha256_file(root / MANIFEST_NAME),
        "pins": [PINS.tvm, PINS.tvm_ffi],
        "target": [target.name, dict(target.tvm_target), target.scheduled],
        "tvmplug": [_own_sha256(_PACKAGE / name) for name in _OWN_SOURCES],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _is_no_source(path: Path) -> bool:
    return path.name == "__pycache__" or path.parts[0] == GOLDEN_DIR


def _own_sha256(path: Path) -> str:
    return (
        files.sha256_tree(path, ignore=_is_no_source) if path.is_dir() else files.sha256_file(path)
    )
