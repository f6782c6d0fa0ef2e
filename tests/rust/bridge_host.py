"""What Dart's half of flutter_rust_bridge does, through ctypes: calls plugins, prints the answers.

Run as a program with JSON: a list of plugins (library, numbers of functions, and the function that
counts references to a model up), and a list of calls.
Messages are bytes in the order of the generated code's `sse_encode` and `sse_decode`.
"""

from __future__ import annotations

import ctypes as c
import json
import queue
import struct
import sys
from typing import Any

import numpy as np

SUCCESS, ERROR = 0, 1
PORT = 7
TYPED_DATA = (7, 8)  # Dart_CObject_kTypedData, Dart_CObject_kExternalTypedData
POST = c.CFUNCTYPE(c.c_bool, c.c_int64, c.c_void_p)


class Message(c.Structure):
    """A `Dart_CObject` of one of the two kinds of typed data, whose fields begin alike."""

    _fields_ = (
        ("kind", c.c_int32), ("padding", c.c_int32),  # what follows is a union with pointers in it
        ("element", c.c_int32), ("length", c.c_ssize_t), ("data", c.c_void_p),
    )  # fmt: skip


class Bridge:
    """A plugin's library, with a port that collects what it answers."""

    def __init__(self, library: str, functions: dict[str, int], retain: str) -> None:
        self.library, self.functions = c.CDLL(library), functions
        self.retain = getattr(self.library, retain)
        self.library.frb_rust_vec_u8_new.restype = c.c_void_p
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.post = POST(self._post)  # kept as long as the library may call it
        self.library.store_dart_post_cobject(self.post)

    def _post(self, port: int, message: int) -> bool:
        told = Message.from_address(message)
        assert port == PORT
        assert told.kind in TYPED_DATA, told.kind
        self.answers.put(c.string_at(told.data, told.length))
        return True

    @property
    def content_hash(self) -> int:
        """What the generated Dart compares with its own."""
        return int(self.library.frb_get_rust_content_hash())

    def call(self, function: str, body: bytes = b"") -> tuple[int, bytes]:
        """Whether a call succeeded, and its result or error."""
        memory = self.library.frb_rust_vec_u8_new(len(body))
        c.memmove(memory, body, len(body))
        self.library.frb_pde_ffi_dispatcher_primary(
            self.functions[function], c.c_int64(PORT), c.c_void_p(memory), len(body), len(body)
        )
        answer = self.answers.get(timeout=60)
        return answer[0], answer[1:]

    def open(self) -> bytes:
        """The handle of an opened model, as it is passed back."""
        state, answer = self.call("Model_open")
        assert state == SUCCESS, answer
        return answer[:8]  # the pointer; the size behind it is for Dart's garbage collector

    def run(self, model: bytes, rows: list[list[float]]) -> dict[str, Any]:
        """Run `scale` on rows of numbers; none at all stand for no input."""
        x = np.array(rows, dtype="<f4")
        inputs = _text("float32") + _list("q", x.shape) + _bytes(x.tobytes())
        body = struct.pack("<i", 1) + inputs if rows else struct.pack("<i", 0)
        self.retain(c.c_void_p(*struct.unpack("<q", model)))  # a call takes one reference
        state, answer = self.call("Model_run", model + body)
        reader = Reader(answer)
        if state == ERROR:
            code = reader.take("<i")
            return {"code": code, "message": reader.text(), "mend": reader.text()}
        assert state == SUCCESS, answer
        assert reader.take("<i") == 1, "one output"
        dtype, shape = reader.text(), reader.numbers()
        return {"dtype": dtype, "shape": shape, "values": reader.floats()}


class Reader:
    """Takes values out of an answer, in order."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def raw(self, count: int) -> bytes:
        self.at += count
        return self.content[self.at - count : self.at]

    def text(self) -> str:
        return self.raw(self.take("<i")).decode()

    def numbers(self) -> list[int]:
        return [self.take("<q") for _ in range(self.take("<i"))]

    def floats(self) -> list[float]:
        return [float(value) for value in np.frombuffer(self.raw(self.take("<i")), dtype="<f4")]


def _bytes(content: bytes) -> bytes:
    return struct.pack("<i", len(content)) + content


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _list(form: str, values: tuple[int, ...]) -> bytes:
    return struct.pack(f"<i{len(values)}{form}", len(values), *values)


def main(argv: list[str]) -> None:
    """Open all plugins, then make the calls in their order: `[plugin, rows]` each."""
    plugins, calls = json.loads(argv[1])
    opened = [Bridge(*plugin) for plugin in plugins]
    models = [bridge.open() for bridge in opened]
    answers = [opened[index].run(models[index], rows) for index, rows in calls]
    print(json.dumps({"hashes": [bridge.content_hash for bridge in opened], "answers": answers}))


if __name__ == "__main__":
    main(sys.argv)
