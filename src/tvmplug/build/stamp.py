"""The stamp of a finished build: hashes of what went in and of what came out.

Content decides, not times. The stamp is written last, so a killed build has none that fits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tvmplug import files

STAMP_NAME = "build.json"


@dataclass(frozen=True)
class Stamp:
    """What one build read and wrote.

    Attributes:
        inputs: SHA-256 or version of each input, by what it is.
        outputs: SHA-256 of each staged file, by its path relative to the plugin.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def is_current(root: Path, stamp_path: Path, inputs: Mapping[str, str]) -> bool:
    """Tell whether the last build had the same inputs and its outputs still lie there unchanged.

    Args:
        root: The plugin's folder.
        stamp_path: Where the stamp was written.
        inputs: What a build would read now.
    """
    stamp = _read(stamp_path)
    if stamp is None or stamp.inputs != inputs or not stamp.outputs:
        return False
    return all(
        (root / name).is_file() and files.sha256_file(root / name) == digest
        for name, digest in stamp.outputs.items()
    )


def write_stamp(path: Path, stamp: Stamp) -> None:
    """Write the stamp, as the last step of a build.

    Raises:
        FileError: It cannot be written.
    """
    files.write_text(path, json.dumps(asdict(stamp), indent=2) + "\n")


def _read(path: Path) -> Stamp | None:
    """A stamp that is missing or damaged counts as none: the build then runs."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Stamp(dict(document["inputs"]), dict(document["outputs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
