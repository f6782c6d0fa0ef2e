"""The other side of a plugin's C interface: what a host sees, through ctypes alone."""

from __future__ import annotations

import ctypes as c
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64",
)  # fmt: skip


class Bytes(c.Structure):
    _fields_ = (("data", c.POINTER(c.c_char)), ("size", c.c_size_t))

    def read(self) -> bytes:
        return c.string_at(self.data, self.size) if self.size else b""

    @classmethod
    def of(cls, content: bytes) -> Bytes:
        made = cls(c.cast(c.c_char_p(content), c.POINTER(c.c_char)), len(content))
        made.keep = content
        return made


class Failure(c.Structure):
    _fields_ = (("code", c.c_int32), ("message", c.c_char_p), ("mend", c.c_char_p))


class View(c.Structure):
    _fields_ = (
        ("data", c.c_void_p), ("bytes", c.c_size_t), ("shape", c.POINTER(c.c_int64)),
        ("rank", c.c_size_t), ("dtype", c.c_int32), ("writable", c.c_int32),
    )  # fmt: skip

    def array(self) -> npt.NDArray[Any]:
        """The memory that is viewed, not a copy."""
        shape = [self.shape[i] for i in range(self.rank)]
        memory = (c.c_char * self.bytes).from_address(self.data or 0) if self.bytes else b""
        return np.frombuffer(memory, dtype=DTYPES[self.dtype - 1]).reshape(shape)


class Named(c.Structure):
    _fields_ = (("name", Bytes), ("tensor", c.c_void_p))


class Result(c.Structure):
    _fields_ = (("outputs", c.POINTER(Named)), ("count", c.c_size_t))


class Value(c.Structure):
    pass


class Values(c.Structure):
    _fields_ = (("items", c.POINTER(Value)), ("count", c.c_size_t))


class Payload(c.Union):
    _fields_ = (
        ("integer", c.c_int64), ("number", c.c_double), ("bytes", Bytes),
        ("tensor", c.c_void_p), ("list", Values),
    )  # fmt: skip


Value._fields_ = (("tag", c.c_int32), ("reserved", c.c_int32), ("payload", Payload))


class PluginError(Exception):
    """What a plugin answered instead of a result."""

    def __init__(self, code: int, message: str, mend: str) -> None:
        super().__init__(f"{message}. {mend}")
        self.code, self.message, self.mend = code, message, mend


class Tensor:
    """One handle to a tensor of a plugin."""

    def __init__(self, plugin: Plugin, handle: int) -> None:
        self.plugin, self.handle = plugin, handle

    def view(self) -> View:
        view = View()
        self.plugin.call("tensor_view", c.c_void_p(self.handle), out=view)
        return view

    def array(self) -> npt.NDArray[Any]:
        """The tensor's own memory, not a copy."""
        return self.view().array()

    def free(self) -> None:
        self.plugin.function("tensor_free")(c.c_void_p(self.handle))


class Plugin:
    """A plugin's library, opened."""

    def __init__(self, library: Path, prefix: str) -> None:
        self.library = c.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        self.prefix = prefix

    def function(self, name: str) -> Any:
        return getattr(self.library, self.prefix + name)

    def call(self, name: str, *arguments: Any, out: Any = None) -> None:
        """Calls a function that may fail.

        Raises:
            PluginError: It did.
        """
        error = c.POINTER(Failure)()
        results = () if out is None else (c.byref(out),)
        code = self.function(name)(*arguments, *results, c.byref(error))
        if code == 0:
            return
        answer = error.contents
        raised = PluginError(answer.code, answer.message.decode(), answer.mend.decode())
        assert answer.code == code
        self.function("error_free")(error)
        raise raised

    def json(self, name: str) -> Any:
        function = self.function(name)
        function.restype = Bytes
        return json.loads(function().read())

    def runtime(self) -> Any:
        value = Value()
        self.call("runtime", out=value)
        return json.loads(self.take(value))

    def tensor(self, array: Any, dtype: str = "float32") -> Tensor:
        array = np.ascontiguousarray(array, dtype=dtype)
        shape = (c.c_int64 * array.ndim)(*array.shape)
        handle = c.c_void_p()
        self.call("tensor_new", DTYPES.index(dtype) + 1, shape, c.c_size_t(array.ndim), out=handle)
        tensor = Tensor(self, handle.value or 0)
        view = tensor.view()
        if view.bytes:
            c.memmove(view.data, array.ctypes.data, view.bytes)
        return tensor

    def open(self, component: str) -> Session:
        handle = c.c_void_p()
        self.call("session_open", Bytes.of(component.encode()), out=handle)
        return Session(self, handle)

    def hold(self, other: Holder | None = None) -> Holder:
        """A new mailbox, or one more hold on another holder's."""
        number = self.number()
        if other:
            self.call("mailbox_join", c.c_size_t(number), c.c_size_t(other.number))
        else:
            self.call("mailbox_open", c.c_size_t(number))
        return Holder(self, number)

    def number(self) -> int:
        function = self.function("mailbox_number")
        function.restype = c.c_size_t
        return int(function())

    def ticket_array(self, ticket: int) -> npt.NDArray[Any]:
        """The memory of a ticket's tensor, not a copy."""
        view = View()
        self.call("ticket_view", c.c_size_t(ticket), out=view)
        return view.array()

    def free_ticket(self, ticket: int) -> None:
        self.function("ticket_free")(c.c_void_p(ticket))

    def model(self) -> Model:
        handle = c.c_void_p()
        self.call("model_open", out=handle)
        return Model(self, handle)

    def take(self, value: Value) -> Any:
        """The content of a value, which is freed."""
        content = self.content(value)
        self.function("value_free")(c.byref(value))
        assert value.tag == 0
        return content

    def content(self, value: Value) -> Any:
        payload = value.payload
        read: tuple[Callable[[], Any], ...] = (
            lambda: None,
            lambda: bool(payload.integer),
            lambda: payload.integer,
            lambda: payload.number,
            lambda: payload.bytes.read().decode(),
            payload.bytes.read,
            lambda: Tensor(self, payload.tensor).array().copy(),
            lambda: [self.content(payload.list.items[i]) for i in range(payload.list.count)],
            lambda: Ticket(payload.integer),
        )
        return read[value.tag]()


class Session:
    """An opened component."""

    def __init__(self, plugin: Plugin, handle: c.c_void_p) -> None:
        self.plugin, self.handle = plugin, handle

    def run(self, **inputs: Tensor) -> dict[str, Tensor]:
        """Runs it; each tensor returned is a handle of its own."""
        return self.run_pairs(list(inputs.items()))

    def run_pairs(self, inputs: list[tuple[str, Tensor]]) -> dict[str, Tensor]:
        named = (Named * len(inputs))(
            *[Named(Bytes.of(name.encode()), tensor.handle) for name, tensor in inputs]
        )
        result = c.POINTER(Result)()
        self.plugin.call("session_run", self.handle, named, c.c_size_t(len(inputs)), out=result)
        outputs = {}
        for i in range(result.contents.count):
            output = result.contents.outputs[i]
            handle = c.c_void_p()
            self.plugin.call("tensor_retain", c.c_void_p(output.tensor), out=handle)
            outputs[output.name.read().decode()] = Tensor(self.plugin, handle.value or 0)
        self.plugin.function("result_free")(result)
        return outputs

    def close(self) -> None:
        self.plugin.function("session_close")(self.handle)


class Model:
    """An opened model."""

    def __init__(self, plugin: Plugin, handle: c.c_void_p) -> None:
        self.plugin, self.handle = plugin, handle

    def call(self, method: str, *arguments: Any) -> Any:
        values = (Value * len(arguments))(*[value_of(argument) for argument in arguments])
        out = Value()
        name = Bytes.of(method.encode())
        self.plugin.call(
            "model_call", self.handle, name, values, c.c_size_t(len(arguments)), out=out
        )
        return self.plugin.take(out)

    def close(self) -> None:
        self.plugin.function("model_close")(self.handle)


class Ticket(int):
    """The number of a tensor in a mailbox."""


class Holder:
    """One hold on a mailbox of a plugin."""

    def __init__(self, plugin: Plugin, number: int) -> None:
        self.plugin, self.number = plugin, number

    def start(self, component: str | None = None) -> None:
        name = Bytes() if component is None else Bytes.of(component.encode())
        self.plugin.call("mailbox_start", c.c_size_t(self.number), name)

    def call(self, method: str, *arguments: Any) -> Any:
        values = (Value * len(arguments))(*[value_of(argument) for argument in arguments])
        out = c.POINTER(Value)()
        name, number = Bytes.of(method.encode()), c.c_size_t(self.number)
        count = c.c_size_t(len(arguments))
        self.plugin.call("mailbox_call", number, name, values, count, out=out)
        return self.plugin.content(out.contents)

    def put(self, array: Any) -> Ticket:
        """A new float32 tensor in the mailbox."""
        array = np.ascontiguousarray(array, dtype="float32")
        shape, rank = (c.c_int64 * array.ndim)(*array.shape), c.c_size_t(array.ndim)
        ticket, dtype = c.c_size_t(), DTYPES.index("float32") + 1
        number = c.c_size_t(self.number)
        self.plugin.call("ticket_new", number, dtype, shape, rank, out=ticket)
        self.plugin.ticket_array(ticket.value)[...] = array
        return Ticket(ticket.value)

    def keep(self, ticket: int) -> None:
        self.plugin.call("ticket_keep", c.c_size_t(self.number), c.c_size_t(ticket))

    def scratch(self, size: int) -> int:
        function = self.plugin.function("mailbox_scratch")
        function.restype = c.c_void_p
        return function(c.c_size_t(self.number), c.c_size_t(size)) or 0

    def close(self) -> None:
        self.plugin.function("mailbox_close")(c.c_void_p(self.number))


def value_of(content: Any) -> Value:
    """A value for Python content; what it points to lives as long as `content`."""
    value = Value()
    match content:
        case None:
            pass
        case bool():
            value.tag, value.payload.integer = 1, content
        case Ticket():
            value.tag, value.payload.integer = 8, content
        case int():
            value.tag, value.payload.integer = 2, content
        case float():
            value.tag, value.payload.number = 3, content
        case str():
            value.keep = content.encode()
            value.tag, value.payload.bytes = 4, Bytes.of(value.keep)
        case bytes():
            value.tag, value.payload.bytes = 5, Bytes.of(content)
        case Tensor():
            value.tag, value.payload.tensor = 6, content.handle
        case list():
            items = (Value * len(content))(*[value_of(item) for item in content])
            value.keep = (items, content)
            value.tag, value.payload.list = 7, Values(items, len(content))
    return value
