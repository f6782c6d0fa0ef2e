"""Flutter's standard message format, as far as an asset manifest needs it.

The format is documented at Flutter's StandardMessageCodec: one byte for the type, sizes of one,
three or five bytes, floats aligned to eight.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

_FLOAT64, _STRING, _LIST, _MAP = 6, 7, 12, 13
# The format has more types; an asset manifest uses these.
Value = str | float | Sequence["Value"] | Mapping[str, "Value"]


def encode(value: Value) -> bytes:
    """Encode a value.

    Args:
        value: Text, a float, or lists and mappings of such.
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def _write(out: bytearray, value: Value) -> None:
    if isinstance(value, str):
        text = value.encode()
        out.append(_STRING)
        _write_size(out, len(text))
        out += text
    elif isinstance(value, float):
        out.append(_FLOAT64)
        out += bytes(-len(out) % 8)
        out += struct.pack("<d", value)
    elif isinstance(value, Mapping):
        out.append(_MAP)
        _write_size(out, len(value))
        for key, entry in value.items():
            _write(out, key)
            _write(out, entry)
    else:
        out.append(_LIST)
        _write_size(out, len(value))
        for entry in value:
            _write(out, entry)


def _write_size(out: bytearray, size: int) -> None:
    if size < 254:
        out.append(size)
    elif size <= 0xFFFF:
        out += struct.pack("<BH", 254, size)
    else:
        out += struct.pack("<BI", 255, size)
