"""The metadata of a compiled system library, `system_lib.json`.

The compiler writes it beside the archive; the Rust crate carries it inside the
plugin's library, since TVM itself tells names and arity of a function but
neither shapes nor dtypes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tvmplug.errors import ArtifactError

METADATA_NAME = "system_lib.json"
FORMAT = 1
_BUILD_AGAIN = "Run `tvmplug build` to make it again"


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest size of a dynamic dimension, both included."""

    min: int
    max: int


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a component.

    Attributes:
        name: Its name in the plugin's interface.
        dtype: A NumPy dtype name, such as `float32`.
        shape: Sizes; a name stands for a dynamic dimension of the component.
        range: For an index input, the values `[low, high)` it may hold.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    range: tuple[int, int] | None = None


@dataclass(frozen=True)
class ComponentSpec:
    """One compiled function of a plugin.

    Attributes:
        name: The component's name, such as `encoder`.
        prefix: The prefix of its symbols, such as `g2p_encoder_`.
        function: The function to call.
        inputs: In the order of the function's parameters.
        outputs: In the order of its results.
        dims: Bounds of the dynamic dimensions, by name.
        rtol: Relative tolerance of the golden test.
        atol: Absolute tolerance of the golden test.
        parallel: Whether its kernels use TVM's pool of workers; where nothing was said, they may.
        calls: The functions of TVM's runtime that it calls by name.
        weight_dtype: The type that the weights of products and convolutions are stored in.
        error: The largest difference that this makes in the outputs of the golden cases, measured
            where the component was compiled, as a share of an output's largest absolute value;
            None for float32.
        notes: What its author noted of how it was made, by topic.
    """

    name: str
    prefix: str
    function: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    dims: Mapping[str, Bounds]
    rtol: float
    atol: float
    parallel: bool = True
    calls: tuple[str, ...] = ()
    weight_dtype: str = "float32"
    error: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metadata:
    """What a system library is: whose, for which target, made by which compiler, of what.

    Attributes:
        plugin: The plugin's name.
        prefix: Its symbol prefix.
        archive: File name of the archive, in the same folder.
        archive_sha256: SHA-256 of the archive, hexadecimal.
        target: Name of the target in the table of targets.
        tvm_target: What TVM was told to compile for.
        tvm: Version of apache-tvm.
        tvm_ffi: Version of apache-tvm-ffi.
        source_sha256: SHA-256 over everything that the archive was made from.
        components: The compiled components.
    """

    plugin: str
    prefix: str
    archive: str
    archive_sha256: str
    target: str
    tvm_target: Mapping[str, Any]
    tvm: str
    tvm_ffi: str
    source_sha256: str
    components: tuple[ComponentSpec, ...]

    def to_json(self) -> str:
        """Return the document as text, the same for equal metadata."""
        document = {"format": FORMAT, **asdict(self)}
        for component in document["components"]:
            for tensor in (*component["inputs"], *component["outputs"]):
                if tensor["range"] is None:
                    del tensor["range"]
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def archive_name(plugin: str) -> str:
    """Return the file name of a plugin's system library archive."""
    return f"lib{plugin}_system_lib.a"


def read_metadata(path: Path) -> Metadata:
    """Read a `system_lib.json`.

    Raises:
        ArtifactError: It is missing, no JSON, of another format, or a value is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}", mend=_BUILD_AGAIN) from error
    try:
        return parse_metadata(text)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error.message}", mend=error.mend) from error


def parse_metadata(text: str) -> Metadata:
    """Read metadata from the text of its JSON document.

    Raises:
        ArtifactError: It is no JSON, of another format, or a value is missing or wrong.
    """
    try:
        document = json.loads(text)
        found = document["format"]
        if found != FORMAT:
            raise ArtifactError(
                f"the metadata has format {found}, this tvmplug reads {FORMAT}",
                mend="Build the plugin with the tvmplug of its template",
            )
        return _metadata(document)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ArtifactError(f"the metadata is damaged: {reason}", mend=_BUILD_AGAIN) from error


def _metadata(document: Mapping[str, Any]) -> Metadata:
    return Metadata(
        plugin=str(document["plugin"]),
        prefix=str(document["prefix"]),
        archive=str(document["archive"]),
        archive_sha256=str(document["archive_sha256"]),
        target=str(document["target"]),
        tvm_target=dict(document["tvm_target"]),
        tvm=str(document["tvm"]),
        tvm_ffi=str(document["tvm_ffi"]),
        source_sha256=str(document["source_sha256"]),
        components=tuple(_component(component) for component in document["components"]),
    )


def _component(document: Mapping[str, Any]) -> ComponentSpec:
    return ComponentSpec(
        name=str(document["name"]),
        prefix=str(document["prefix"]),
        function=str(document["function"]),
        inputs=tuple(_tensor(tensor) for tensor in document["inputs"]),
        outputs=tuple(_tensor(tensor) for tensor in document["outputs"]),
        dims={
            name: Bounds(int(bounds["min"]), int(bounds["max"]))
            for name, bounds in document["dims"].items()
        },
        rtol=float(document["rtol"]),
        atol=float(document["atol"]),
        parallel=bool(document.get("parallel", True)),
        calls=tuple(str(name) for name in document.get("calls", ())),
        weight_dtype=str(document.get("weight_dtype", "float32")),
        error=None if document.get("error") is None else float(document["error"]),
        notes={str(topic): str(text) for topic, text in document.get("notes", {}).items()},
    )


def _tensor(document: Mapping[str, Any]) -> TensorSpec:
    low_high = document.get("range")
    return TensorSpec(
        name=str(document["name"]),
        dtype=str(document["dtype"]),
        shape=tuple(size if isinstance(size, str) else int(size) for size in document["shape"]),
        range=None if low_high is None else (int(low_high[0]), int(low_high[1])),
    )
