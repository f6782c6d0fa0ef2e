"""What an app's images may need of the system: its libraries, and the functions in them.

An allow-list: a symbol or a library that stands here is on every device that a target serves,
whatever else is installed there. The functions are in `symbols/`, Apple's in `apple/stubs/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tvmplug.artifacts._allowed import MATH
from tvmplug.targets import Target


def _listed(name: str) -> frozenset[str]:
    lines = (Path(__file__).with_name("symbols") / f"{name}.txt").read_text().splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


# bionic has no such functions; glibc has.
_NOT_ANDROID = frozenset({"exp10", "exp10f", "roundeven", "roundevenf"})
# The unwinder and the arithmetic that processors do not have (libgcc's and compiler-rt's names):
# part of every image on Android, of libgcc_s on Linux.
_GCC = re.compile(
    r"_Unwind_\w+|__emutls_get_address|__aarch64_(cas|swp|ld)\w+"
    r"|__(add|sub|mul|div|eq|ne|lt|le|gt|ge|cmp|unord|neg|pow)[hsdtx][fi]\d"
    r"|__(div|mod|udiv|umod|udivmod|divmod|ashl|ashr|lshr|mul|mulo|neg|clz|ctz|popcount)[dt]i\d?"
    r"|__(extend|trunc|fix|fixuns|float|floatun)[hsdtxb]\w+"
)
# libstdc++, which Flutter's own engine needs: the wheels' runtime is linked with it.
_STDCXX = re.compile(
    r"_Z(T[ISTV]|GV)?(N?K?(S[abdiost]|10__cxxabiv1|9__gnu_cxx)|n[aw]|d[al]P).*|_ZTIP?K?[a-z]"
    r"|__cxa_\w+|__gxx_personality_v0|__dynamic_cast|__once_proxy"
)

_LINUX_LIBRARIES = frozenset(
    {
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libpthread.so.0",
        "librt.so.1",
        "libstdc++.so.6",
    }
)
_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}
_LIBRARIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "linux": _LINUX_LIBRARIES,
        # https://developer.android.com/ndk/guides/stable_apis
        "android": frozenset({"libc.so", "libdl.so", "liblog.so", "libm.so"}),
    }
)
_SYMBOLS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "linux": _listed("posix") | _listed("linux") | MATH,
        "android": (_listed("posix") | _listed("android") | MATH) - _NOT_ANDROID,
    }
)


def is_system_library(name: str, target: Target) -> bool:
    """Whether every device of an ELF target has a library.

    Args:
        name: Its name in a list of needed libraries.
        target: A Linux or Android target.
    """
    return name in _LIBRARIES[target.os] or (target.os == "linux" and name == _LOADERS[target.arch])


def is_system_symbol(name: str, target: Target, *, static: bool = False) -> bool:
    """Whether the system of an ELF target has a function or variable.

    Args:
        name: The symbol, without its version.
        target: A Linux or Android target.
        static: It is asked for by an object: a linker still adds C++'s library and the compiler's
            own, which are part of every image on Android.
    """
    if name in _SYMBOLS[target.os]:
        return True
    if target.os == "linux" or static:
        return bool(_GCC.fullmatch(name) or _STDCXX.fullmatch(name))
    return False
