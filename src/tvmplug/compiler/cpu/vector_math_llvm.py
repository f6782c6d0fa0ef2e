"""Arithmetic on float32 numbers, or on all lanes of vectors of them, as text of LLVM's language.

`vector_math_functions` writes its functions with it:

    function = Function("twice.f32", count=1)
    text = function.returning(function.argument + function.argument)

The language is that of https://llvm.org/docs/LangRef.html. Integers wrap around.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["float32", "int32", "uint32", "bool"]

_TYPES: dict[Kind, str] = {"float32": "float", "int32": "i32", "uint32": "i32", "bool": "i1"}
_ADD, _SUB, _MUL = {"float32": "fadd"}, {"float32": "fsub"}, {"float32": "fmul"}
# Of floating-point numbers all are "ordered": false where one of the numbers is NaN.
_LESS = {"float32": "fcmp olt", "int32": "icmp slt", "uint32": "icmp ult"}
_GREATER = {"float32": "fcmp ogt", "int32": "icmp sgt", "uint32": "icmp ugt"}


@dataclass(frozen=True, eq=False)
class Value:
    """A number in each lane: a name of the function, or a constant.

    Operators write an instruction each. Both sides are of the same kind.
    """

    function: Function
    kind: Kind
    text: str

    def __add__(self, other: Value) -> Value:
        return self._binary(_ADD.get(self.kind, "add"), other)

    def __sub__(self, other: Value) -> Value:
        return self._binary(_SUB.get(self.kind, "sub"), other)

    def __mul__(self, other: Value) -> Value:
        return self._binary(_MUL.get(self.kind, "mul"), other)

    def __truediv__(self, other: Value) -> Value:
        return self._binary("fdiv", other)

    def __lshift__(self, other: Value) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: Value) -> Value:
        return self._binary("ashr" if self.kind == "int32" else "lshr", other)

    def __and__(self, other: Value) -> Value:
        return self._binary("and", other)

    def __or__(self, other: Value) -> Value:
        return self._binary("or", other)

    def __xor__(self, other: Value) -> Value:
        return self._binary("xor", other)

    def __lt__(self, other: Value) -> Value:
        return self._binary(_LESS[self.kind], other, "bool")

    def __gt__(self, other: Value) -> Value:
        return self._binary(_GREATER[self.kind], other, "bool")

    def _binary(self, instruction: str, other: Value, kind: Kind | None = None) -> Value:
        type_ = self.function.type(self.kind)
        return self.function.write(
            kind or self.kind, f"{instruction} {type_} {self.text}, {other.text}"
        )


class Function:
    """A function of one float32 argument, or of one vector of them, while it is written."""

    def __init__(self, name: str, count: int) -> None:
        """Begin a function.

        Args:
            name: Its symbol.
            count: Lanes of the vectors; 1 for plain numbers.
        """
        self.name = name
        self.count = count
        self.argument = Value(self, "float32", "%x")
        self._lines: list[str] = ["begin:"]
        self._block = "begin"
        self._names = 0
        self._declared: set[str] = set()

    def returning(self, result: Value) -> str:
        """The whole function, and the declarations that it needs."""
        type_ = self.type("float32")
        return "\n".join([
            *sorted(self._declared),
            f"define {type_} @{self.name}({type_} %x) {{",
            *self._lines,
            f"  ret {type_} {result.text}",
            "}",
        ])  # fmt: skip

    def type(self, kind: Kind) -> str:
        """LLVM's name of a kind, `<8 x float>`."""
        return _TYPES[kind] if self.count == 1 else f"<{self.count} x {_TYPES[kind]}>"

    def write(self, kind: Kind, instruction: str) -> Value:
        """Write an instruction, and name its result."""
        self._names += 1
        name = f"%v{self._names}"
        self._lines.append(f"  {name} = {instruction}")
        return Value(self, kind, name)

    def number(self, value: float) -> Value:
        """The same float32 number in all lanes."""
        # LLVM writes float32 numbers as float64 ones.
        rounded = struct.unpack("f", struct.pack("f", value))[0]
        bits = struct.unpack("<Q", struct.pack("<d", rounded))[0]
        return self._constant("float32", f"0x{bits:016X}")

    def integer(self, value: int, kind: Kind = "int32") -> Value:
        """The same integer in all lanes."""
        return self._constant(kind, str(value))

    def _constant(self, kind: Kind, text: str) -> Value:
        return Value(self, kind, text if self.count == 1 else f"splat ({_TYPES[kind]} {text})")

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """`a * b + c`, rounded once where the processor has such an instruction."""
        return self._intrinsic("llvm.fmuladd", a, b, c)

    def rounded(self, x: Value) -> Value:
        """The nearest whole number, as float32; of two the even one."""
        return self._intrinsic("llvm.nearbyint", x)

    def funnel(self, high: Value, low: Value, shift: Value) -> Value:
        """The upper 32 bits of two 32-bit words beside each other, shifted left by 0 to 31."""
        return self._intrinsic("llvm.fshl", high, low, shift)

    def _intrinsic(self, name: str, *arguments: Value) -> Value:
        kind = arguments[0].kind
        type_ = self.type(kind)
        suffix = {"float32": "f32"}.get(kind, "i32")
        symbol = f"@{name}.{suffix}" if self.count == 1 else f"@{name}.v{self.count}{suffix}"
        self._declared.add(f"declare {type_} {symbol}({', '.join([type_] * len(arguments))})")
        given = ", ".join(f"{type_} {argument.text}" for argument in arguments)
        return self.write(kind, f"call {type_} {symbol}({given})")

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """Horner's rule; the coefficients from the constant up."""
        result = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = self.fma(result, x, self.number(coefficient))
        return result

    # In this order of operands, minimum and maximum of x86-64 hand on a NaN in x.
    def at_least(self, x: Value, bound: float) -> Value:
        """The larger of two numbers; NaN stays NaN."""
        low = self.number(bound)
        return self.either(low > x, low, x)

    def at_most(self, x: Value, bound: float) -> Value:
        """The smaller of two numbers; NaN stays NaN."""
        high = self.number(bound)
        return self.either(high < x, high, x)

    def either(self, condition: Value, yes: Value, no: Value) -> Value:
        """Choose in each lane."""
        type_ = self.type(yes.kind)
        return self.write(
            yes.kind,
            f"select {self.type('bool')} {condition.text}, {type_} {yes.text}, {type_} {no.text}",
        )

    def equal(self, a: Value, b: Value) -> Value:
        """Whether two float32 numbers are equal, which NaN never is."""
        return self.write("bool", f"fcmp oeq {self.type(a.kind)} {a.text}, {b.text}")

    def pattern(self, x: Value, kind: Kind = "int32") -> Value:
        """The bits of a number, as an integer."""
        if x.kind != "float32":
            return Value(self, kind, x.text)
        return self._converted(kind, "bitcast", x)

    def float_of(self, pattern: Value) -> Value:
        """The float32 number with these bits."""
        return self._converted("float32", "bitcast", pattern)

    def nearest(self, x: Value) -> Value:
        """The float32 number that is nearest to an int32."""
        return self.write(
            "float32", f"sitofp {self.type(x.kind)} {x.text} to {self.type('float32')}"
        )

    def cut(self, x: Value) -> Value:
        """The int32 that is left of a float32 number without its fraction."""
        return self._converted("int32", "fptosi", x)

    def _converted(self, kind: Kind, instruction: str, x: Value) -> Value:
        return self.write(kind, f"{instruction} {self.type(x.kind)} {x.text} to {self.type(kind)}")

    def if_any(self, condition: Value, yes: Callable[[], Value], no: Callable[[], Value]) -> Value:
        """Branch: `yes` when the condition holds in any lane, else `no`.

        Only the branch that is taken runs, in all lanes.
        """
        chosen = condition.text
        if self.count > 1:
            type_, symbol = self.type("bool"), f"@llvm.vector.reduce.or.v{self.count}i1"
            self._declared.add(f"declare i1 {symbol}({type_})")
            chosen = self.write("bool", f"call i1 {symbol}({type_} {chosen})").text
        self._names += 1
        labels = [f"{label}{self._names}" for label in ("yes", "no", "end")]
        self._lines.append(f"  br i1 {chosen}, label %{labels[0]}, label %{labels[1]}")
        ways = []
        for label, branch in zip(labels, (yes, no), strict=False):
            self._begin(label)
            result = branch()
            ways.append((result, self._block))
            self._lines.append(f"  br label %{labels[2]}")
        self._begin(labels[2])
        places = ", ".join(f"[ {result.text}, %{block} ]" for result, block in ways)
        kind = ways[0][0].kind
        return self.write(kind, f"phi {self.type(kind)} {places}")

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label
