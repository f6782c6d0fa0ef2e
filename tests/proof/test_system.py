"""The allow-list of what a system has: it fits the pinned systems, and has no large holes."""

from __future__ import annotations

import pytest

from tvmplug.proof.system import is_system_library, is_system_symbol
from tvmplug.targets import TARGETS

ANDROID, LINUX = TARGETS["android-arm64"], TARGETS["linux-arm64"]


@pytest.mark.parametrize("name", ["memcpy", "malloc", "pthread_create", "tanh", "expf", "dlsym"])
def test_what_every_system_has_is_allowed(name: str) -> None:
    assert is_system_symbol(name, ANDROID)
    assert is_system_symbol(name, LINUX)


@pytest.mark.parametrize(
    ("name", "since"),
    [("aligned_alloc", 28), ("getrandom", 28), ("glob", 28), ("iconv", 28), ("posix_spawn", 28),
     ("__tls_get_addr", 29), ("nl_langinfo", 26), ("pthread_getname_np", 26),
     ("backtrace", 33), ("copy_file_range", 34)],
)  # fmt: skip
def test_what_came_to_android_after_the_pinned_level_is_not_allowed(name: str, since: int) -> None:
    assert since > int(ANDROID.minimum_os)
    assert not is_system_symbol(name, ANDROID)
    assert is_system_symbol(name, LINUX)


@pytest.mark.parametrize("name", ["__errno", "__android_log_print", "arc4random_buf"])
def test_what_only_android_has_is_allowed_there_alone(name: str) -> None:
    assert is_system_symbol(name, ANDROID)
    assert not is_system_symbol(name, LINUX)


@pytest.mark.parametrize(
    "name",
    ["TVMFFIFunctionCall", "TVMBackendParallelLaunch", "g2p_model_open", "cblas_sgemm", "omp_get_",
     "_ZN3tvm3ffi9ModuleObj11GetFunctionE", "__kmpc_fork_call", "PyObject_Call", "cudaMalloc",
     "getenv_", "xmemcpy", ""],
)  # fmt: skip
def test_what_is_no_systems_is_not_allowed(name: str) -> None:
    for target in (ANDROID, LINUX):
        assert not is_system_symbol(name, target)
        assert not is_system_symbol(name, target, static=True)


def test_cpp_is_the_systems_on_linux_and_part_of_the_image_on_android() -> None:
    for name in ("_ZNSt6vectorIiSaIiEE", "__cxa_throw", "_Znwm", "_Unwind_Resume", "__udivti3"):
        assert is_system_symbol(name, LINUX)
        assert not is_system_symbol(name, ANDROID)
        assert is_system_symbol(name, ANDROID, static=True)


def test_libraries_are_the_targets_own() -> None:
    assert is_system_library("libm.so.6", LINUX)
    assert is_system_library("ld-linux-aarch64.so.1", LINUX)
    assert not is_system_library("ld-linux-x86-64.so.2", LINUX)
    assert not is_system_library("libopenblas.so.0", LINUX)
    assert is_system_library("liblog.so", ANDROID)
    # The NDK's shared C++ library has to be in the app: two plugins would bring it twice.
    assert not is_system_library("libc++_shared.so", ANDROID)
