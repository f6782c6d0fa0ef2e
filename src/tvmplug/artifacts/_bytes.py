"""Bounds-checked reading of little-endian structures: a truncated file becomes one clear error."""

from __future__ import annotations

import struct

from tvmplug.errors import ArtifactError


class Bytes:
    """The content of an object file, read without ever leaving it.

    Args:
        content: the object's bytes.
        origin: its name for messages.
    """

    def __init__(self, content: bytes, origin: str) -> None:
        self._content = content
        self._origin = origin

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        """Return the integers of a `struct` layout (little-endian) at a byte offset.

        Raises:
            ArtifactError: the object ends before.
        """
        if offset < 0 or offset + struct.calcsize("<" + layout) > len(self._content):
            raise self.damaged(f"it ends before byte {offset}")
        return struct.unpack_from("<" + layout, self._content, offset)

    def string(self, offset: int, end: int | None = None) -> str:
        """Return the text at a byte offset up to a NUL byte (or up to `end`).

        Raises:
            ArtifactError: the object ends before.
        """
        limit = len(self._content) if end is None else end
        if not 0 <= offset < limit <= len(self._content):
            raise self.damaged(f"a name lies outside it, at byte {offset}")
        stop = self._content.find(b"\0", offset, limit)
        if stop < 0:
            if end is None:
                raise self.damaged(f"the name at byte {offset} has no end")
            stop = limit
        return self._content[offset:stop].decode("utf-8", "replace")

    def damaged(self, problem: str) -> ArtifactError:
        """Return the error that says that this object is damaged and how."""
        return ArtifactError(
            f"{self._origin} is truncated or damaged: {problem}",
            mend="Run `tvmplug build` to make it again",
        )
