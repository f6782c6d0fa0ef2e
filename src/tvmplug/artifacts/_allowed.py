"""The symbols that a model's objects may share or need, from what TVM's code generator can emit."""

from __future__ import annotations

import re

# tvm/ffi/c_api.h, tvm/ffi/extra/c_env_api.h and tvm/runtime/c_backend_api.h.
RUNTIME = frozenset(
    {
        "TVMBackendAllocWorkspace",
        "TVMBackendFreeWorkspace",
        "TVMBackendGetFuncFromEnv",
        "TVMBackendParallelBarrier",
        "TVMBackendParallelLaunch",
        "TVMBackendRunOnce",
        "TVMFFIEnvModLookupFromImports",
        "TVMFFIEnvModRegisterContextSymbol",
        "TVMFFIEnvModRegisterSystemLibSymbol",
        "TVMFFIErrorSetRaisedFromCStr",
        "TVMFFIErrorSetRaisedFromCStrParts",
        "TVMFFIFunctionCall",
        "TVMFFIHandleDeinitOnce",
        "TVMFFIHandleInitOnce",
        "TVMFFIObjectDecRef",
        "TVMFFIObjectIncRef",
    }
)

# Conversions between half and single precision: TVM puts a weak copy into every object
# (codegen_llvm.cc, "builtin_fp16"), the same one each time.
SHARED_WEAK = frozenset({"__extendhfsf2", "__truncsfhf2"})

_MATH = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp10",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "hypot",
    "ldexp",
    "lgamma",
    "llrint",
    "llround",
    "log",
    "log10",
    "log1p",
    "log2",
    "logb",
    "lrint",
    "lround",
    "modf",
    "nearbyint",
    "nextafter",
    "pow",
    "remainder",
    "rint",
    "round",
    "roundeven",
    "sin",
    "sincos",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tgamma",
    "trunc",
]
# C99's <math.h>, for double and float.
MATH = frozenset(_MATH) | {f"{name}f" for name in _MATH}

# What LLVM calls on its own: memory functions, and compiler-rt's or libgcc's helpers.
TOOLCHAIN = frozenset(
    {
        "memcpy",
        "memmove",
        "memset",
        "bzero",
        "__bzero",
        "memset_pattern16",
        "__chkstk",
        "___chkstk_ms",
        "_fltused",
        "_GLOBAL_OFFSET_TABLE_",
        "__stack_chk_fail",
        "__stack_chk_guard",
        "__divti3",
        "__modti3",
        "__udivti3",
        "__umodti3",
        "__multi3",
        "__muloti4",
        "__powisf2",
        "__powidf2",
        "__extenddftf2",
        "__truncdfhf2",
        "__truncdfsf2",
        "__extendhfdf2",
        "__truncsfbf2",
        "__truncdfbf2",
        "__fixsfti",
        "__fixdfti",
        "__fixunssfti",
        "__fixunsdfti",
        "__floattisf",
        "__floattidf",
        "__floatuntisf",
        "__floatuntidf",
        "__gnu_h2f_ieee",
        "__gnu_f2h_ieee",
        "__sincos_stret",
        "__sincosf_stret",
    }
)

# Constants that COFF names by their value and folds at link time.
COFF_CONSTANT = re.compile(r"__(real|xmm|ymm|zmm)@[0-9a-f]+")
