"""Messages between the process that leads a run, its fork server, and the server's children."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = struct.Struct("!QBQ")  # the body's length, the kind, the ticket


class Kind(enum.IntEnum):
    """What a message says; the body is a pickle, read by the last one who gets it."""

    # To the server.
    WARM = 1  # (module, function, argument): what to do before anything is forked
    JOB = 2  # (function, job)
    STOP = 3  # end this job
    END = 4  # no job comes any more
    # From the server.
    WARMED = 5  # None, or the error
    STEP = 6  # what a job is at
    RESULT = 7  # what a job returned
    ERROR = 8  # the exception that it raised
    DIED = 9  # (message, mend, stopped): its process ended without either


class Frame(NamedTuple):
    """One message.

    Attributes:
        kind: What it says.
        ticket: The number of the job, or of the request.
        body: A pickle, or nothing.
    """

    kind: Kind
    ticket: int
    body: bytes = b""

    def packed(self) -> bytes:
        """Return the bytes that `Unpacker` reads."""
        return _HEADER.pack(len(self.body), self.kind, self.ticket) + self.body


class Unpacker:
    """Takes bytes as they come, and gives whole messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take some bytes, and return the messages that they complete."""
        self._held += data
        while len(self._held) >= _HEADER.size:
            length, kind, ticket = _HEADER.unpack_from(self._held)
            end = _HEADER.size + length
            if len(self._held) < end:
                return
            body = bytes(self._held[_HEADER.size : end])
            del self._held[:end]
            yield Frame(Kind(kind), ticket, body)
