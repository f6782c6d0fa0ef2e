"""The functions themselves: float32 in, float32 out, without a branch or a table in memory.

How the coefficients were made: minimax fits of the relative error on 400 to 600 Chebyshev nodes
(Lawson's iteration of weighted least squares; for quotients around a linearisation that is
repeated with the last denominator), references from mpmath with 40 digits. They were rounded to
float32 one by one from the constant up, and the rest was fitted again after each. The number
after `fit` is the relative error that this leaves before any arithmetic is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tvmplug.compiler.cpu.vector_math_llvm import Function, Value

_LOG2_E = 1.4426950408889634
_LN_2 = 0.6931471805599453
# The upper part has 16 bits: its product with a whole number up to 255 is exact.
_LN_2_PARTS = (float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20"))
# (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2; fit 2^-28.2.
_EXP = (
    float.fromhex("0x1.fffffcp-2"),
    float.fromhex("0x1.555492p-3"),
    float.fromhex("0x1.5558b4p-5"),
    float.fromhex("0x1.12399ep-7"),
    float.fromhex("0x1.6a493p-10"),
)
_SIGN = 0x80000000
_WHOLE = float.fromhex("0x1.8p+23")  # float32 numbers around it are the whole numbers


def exp(f: Function, x: Value) -> Value:
    """e^x: with n = round(x / ln 2), 2^n times a polynomial in x - n ln 2.

    The polynomial has twice the value, so that 2^(n - 1) is a finite number for all finite
    results. Below 2^-125.5 its exponent is that of 0, and so is the result; where the
    result overflows its exponent is that of infinity.
    """
    x = f.at_most(f.at_least(x, -87.6), 89.4)
    n = f.rounded(x * f.number(_LOG2_E))
    high, low = (f.number(-part) for part in _LN_2_PARTS)
    r = f.fma(n, low, f.fma(n, high, x))
    twice = f.polynomial(r, (2.0, 2.0, *(2 * coefficient for coefficient in _EXP)))
    # In the bits of n + _WHOLE + 126, the lowest ones are the exponent of 2^(n - 1).
    exponent = f.pattern(n + f.number(_WHOLE + 126)) << f.integer(23)
    return twice * f.float_of(exponent)


def sigmoid(f: Function, x: Value) -> Value:
    """1 / (1 + e^-x)."""
    one = f.number(1.0)
    return one / (one + exp(f, x * f.number(-1.0)))


# tanh(x) / x as a quotient of polynomials in x^2; fit 2^-27.4. From 7.6 on it was fitted to a
# little more than tanh, up to 1 + 2^-22 at the limit: what is above 1 becomes 1 in the end.
_TANH_LIMIT = 9.3
_TANH = (
    (
        1.0,
        float.fromhex("0x1.199a08p-3"),
        float.fromhex("0x1.034faap-8"),
        float.fromhex("0x1.f457f4p-16"),
        float.fromhex("0x1.2d19cap-25"),
        float.fromhex("-0x1.11d2dep-36"),
    ),
    (
        1.0,
        float.fromhex("0x1.e22258p-2"),
        float.fromhex("0x1.c3ad54p-6"),
        float.fromhex("0x1.ad76eep-12"),
        float.fromhex("0x1.7c04fcp-20"),
    ),
)


def tanh(f: Function, x: Value) -> Value:
    """The hyperbolic tangent."""
    return _odd_quotient(f, x, _TANH_LIMIT, *_TANH)


# erf(x) / x as a quotient of polynomials in x^2, |x| <= 3.93; fit 2^-28.3. The constants are a
# pair of float32 numbers whose quotient is 2 / sqrt(pi) to 2^-39. At the limit it is 1 + 2^-21.8.
_ERF_LIMIT = 4.25
_ERF = (
    (
        1.1350613832473755,
        float.fromhex("0x1.7d9ffep-3"),
        float.fromhex("0x1.bec234p-5"),
        float.fromhex("0x1.fa0148p-9"),
        float.fromhex("0x1.8b8a42p-12"),
        float.fromhex("0x1.33b1cap-18"),
        float.fromhex("-0x1.b15964p-27"),
    ),
    (
        1.0059219598770142,
        float.fromhex("0x1.003a9cp-1"),
        float.fromhex("0x1.d5370ep-4"),
        float.fromhex("0x1.fc535cp-7"),
        float.fromhex("0x1.568e12p-10"),
        float.fromhex("0x1.05400ep-14"),
    ),
)


def erf(f: Function, x: Value) -> Value:
    """The error function."""
    return _odd_quotient(f, x, _ERF_LIMIT, *_ERF)


def _odd_quotient(
    f: Function,
    x: Value,
    limit: float,
    numerator: tuple[float, ...],
    denominator: tuple[float, ...],
) -> Value:
    """X times a quotient of polynomials in x^2; +-1 beyond +-limit, and never outside of +-1."""
    pattern = f.pattern(x, "uint32")
    sign = pattern & f.integer(_SIGN, "uint32")
    x = f.float_of(pattern & f.integer(_SIGN - 1, "uint32"))
    x = f.at_most(x, limit)
    square = x * x
    above = x * f.polynomial(square, numerator)
    below = f.polynomial(square, denominator)
    result = f.at_most(above / below, 1.0)
    return f.float_of(f.pattern(result, "uint32") | sign)


# (log(1 + e) - e + e^2 / 2) / e^3 for 1 + e from sqrt(1/2) to sqrt(2); fit 2^-27.3.
_LOG = (
    float.fromhex("0x1.555554p-2"),
    float.fromhex("-0x1.000226p-2"),
    float.fromhex("0x1.99a01cp-3"),
    float.fromhex("-0x1.54728ap-3"),
    float.fromhex("0x1.22d92ep-3"),
    float.fromhex("-0x1.0d8242p-3"),
    float.fromhex("0x1.055ecp-3"),
    float.fromhex("-0x1.38c9cp-4"),
)
_SQRT_HALF_PATTERN = 0x3F3504F3
_SMALLEST_NORMAL = float.fromhex("0x1p-126")


def log(f: Function, x: Value) -> Value:
    """The natural logarithm: x = 2^n (1 + e), then n ln 2 plus a polynomial in e."""
    # Numbers below the smallest normal one have no exponent of their own.
    small = x < f.number(_SMALLEST_NORMAL)
    scaled = f.either(small, x * f.number(2.0**23), x)
    pattern = f.pattern(scaled)
    exponent = (pattern - f.integer(_SQRT_HALF_PATTERN)) >> f.integer(23)
    mantissa = f.float_of(pattern - (exponent << f.integer(23)))
    e = mantissa - f.number(1.0)
    n = f.nearest(exponent) + f.either(small, f.number(-23.0), f.number(0.0))
    high, low = (f.number(part) for part in _LN_2_PARTS)
    square = e * e
    rest = f.fma(square * e, f.polynomial(e, _LOG), n * low)
    result = f.fma(n, high, e + f.fma(square, f.number(-0.5), rest))
    zero = f.number(0.0)
    # Infinity and NaN stay what they are.
    above = f.either(x < f.number(math.inf), result, x)
    positive = f.either(f.equal(x, zero), f.number(-math.inf), above)
    return f.either(x < zero, f.number(math.nan), positive)


# (sin(r) - r) / r^3 in r^2 for |r| <= pi / 2; fit 2^-27.2.
_SIN = (
    float.fromhex("-0x1.55554cp-3"),
    float.fromhex("0x1.110edap-7"),
    float.fromhex("-0x1.9f70fp-13"),
    float.fromhex("0x1.5dc904p-19"),
)
# pi / 2 in four parts; the first three have 11 bits or fewer, so that their products with whole
# numbers below 2^13 are exact. What is left out is 2^-63.
_HALF_PI = (
    float.fromhex("0x1.92p+0"),
    float.fromhex("0x1.fb4p-12"),
    float.fromhex("0x1.444p-24"),
    float.fromhex("0x1.68c234p-39"),
)
_PI = 3.141592653589793
SIN_LIMIT = 8192.0
"""Up to here the reduction by parts of pi serves; beyond, all digits that matter are used."""
_LIMIT_PATTERN = 0x46000000  # of SIN_LIMIT
_INFINITY_PATTERN = 0x7F800000
# The bits of 1 / (2 pi) behind the point, ten zero bits, then 182 of them.
_TURNS = (0x000A2F98, 0x36E4E441, 0x529FC275, 0x7D1F534D, 0xDC0DB629, 0x5993C439)


def sin(f: Function, x: Value) -> Value:
    """The sine."""
    return _circular(f, x, quarter=0)


def cos(f: Function, x: Value) -> Value:
    """The cosine: the sine, a quarter of a turn later."""
    return _circular(f, x, quarter=1)


def _circular(f: Function, x: Value, quarter: int) -> Value:
    """The sine of x + quarter * pi / 2.

    With the nearest multiple k of pi it is (-1)^k times the sine of a number in +-pi / 2.
    """
    k = f.rounded(f.fma(x, f.number(1 / _PI), f.number(-0.5 * quarter)))
    # Multiples of pi / 2. The sum turns the -0 of a negative zero into 0, which keeps sin(-0).
    n = f.fma(k, f.number(2.0), f.number(float(quarter)))
    r = x
    for part in _HALF_PI:
        r = f.fma(n, f.number(-part), r)
    sign = f.pattern(k + f.number(_WHOLE + quarter), "uint32") << f.integer(31, "uint32")
    pattern = f.pattern(x, "uint32")
    size = pattern & f.integer(_SIGN - 1, "uint32")
    # Infinities and NaN give NaN by themselves.
    beyond = size - f.integer(_LIMIT_PATTERN, "uint32")
    large = beyond < f.integer(_INFINITY_PATTERN - _LIMIT_PATTERN, "uint32")

    def far() -> Value:
        far_r, far_sign = _reduced(f, size, quarter)
        if quarter == 0:
            far_sign = far_sign ^ (pattern & f.integer(_SIGN, "uint32"))
        return _signed_sine(f, f.either(large, far_r, r), f.either(large, far_sign, sign))

    return f.if_any(large, far, lambda: _signed_sine(f, r, sign))


def _signed_sine(f: Function, r: Value, sign: Value) -> Value:
    """The sine of r in +-pi / 2, negated where the sign bit is set."""
    square = r * r
    sine = f.fma(square * r, f.polynomial(square, _SIN), r)
    # The sum of zeros of either sign is +0: that of -0 gets its sign back.
    negative = f.pattern(r, "uint32") & f.integer(_SIGN, "uint32")
    pattern = f.pattern(sine, "uint32") | negative
    return f.float_of(pattern ^ sign)


def _reduced(f: Function, size: Value, quarter: int) -> tuple[Value, Value]:
    """Payne and Hanek's reduction, of what is larger than SIN_LIMIT.

    x / (2 pi) modulo 1 in 32 bits: x is a whole number m times a power of two, so that only 64
    bits of 1 / (2 pi) from a place that the exponent names have a part in it.

    Args:
        f: Where to write.
        size: The bits of |x|.
        quarter: How many quarters of a turn to add.

    Returns:
        The angle in +-pi / 2 (off by 2^-29 at most), and the sign of its sine as a sign bit.
    """

    def word(value: int) -> Value:
        return f.integer(value, "uint32")

    m = (size & word(0x7FFFFF)) | word(0x800000)
    place = (size >> word(23)) - word(140)
    upper = place > word(63)
    odd = (place & word(32)) > word(0)
    # Three words from the one that `place` lies in.
    by_two = [f.either(upper, word(_TURNS[i + 2]), word(_TURNS[i])) for i in range(4)]
    words = [f.either(odd, by_two[i + 1], by_two[i]) for i in range(3)]
    shift = place & word(31)
    high = f.funnel(words[0], words[1], shift)
    low = f.funnel(words[1], words[2], shift)
    # Halved, because converting signed numbers is what all processors have.
    half = f.nearest(f.pattern(low >> word(1)))
    carried = half * f.number(2.0**-31) * f.nearest(f.pattern(m))
    carry = f.pattern(f.cut(carried), "uint32")
    turn = m * high + carry + word(quarter << 30)
    # Without its top bit it counts in half turns, and the bit below is the sign of the rest.
    rest = f.nearest(f.pattern(turn << word(1)))
    r = rest * f.number(_PI * 2.0**-32)
    return r, (turn + word(1 << 30)) & word(_SIGN)


FUNCTIONS: dict[str, Callable[[Function, Value], Value]] = {
    "tirx.cos": cos,
    "tirx.erf": erf,
    "tirx.exp": exp,
    "tirx.log": log,
    "tirx.sigmoid": sigmoid,
    "tirx.sin": sin,
    "tirx.tanh": tanh,
}
"""By the name of TVM's operator."""
