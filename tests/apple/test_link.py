"""The forced link of a plugin's archives into a framework's library, by the real linker."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvmplug.apple.link import link_image, system_needed
from tvmplug.apple.macho import read_macho
from tvmplug.errors import ArtifactError, BuildError
from tvmplug.targets import target_named
from tvmplug.toolchains import darwin

from .conftest import MODEL, RUNTIME, Linked, Workbench


def test_an_image_exports_the_plugin_s_functions_and_nothing_else(linked: Linked) -> None:
    for runtime, model in zip(linked.runtime, linked.model, strict=True):
        of_runtime = read_macho(runtime.path.read_bytes(), "runtime")
        of_model = read_macho(model.path.read_bytes(), "model")
        assert set(of_runtime.exported) == {"TVMFFIGetVersion", "TVMFFIRegister"}
        assert of_model.exported == ("g2p_abi_version",)


def test_an_image_says_which_platform_and_oldest_system_it_is_for(linked: Linked) -> None:
    for image in (*linked.runtime, *linked.model):
        found = read_macho(image.path.read_bytes(), "image")
        target = image.target
        assert (found.platform, found.arch) == (target.platform, target.arch)
        assert found.minimum_os == target.minimum_os


def test_a_model_finds_the_runtime_in_the_app_s_frameworks(linked: Linked) -> None:
    runtime = "@rpath/tvm_runtime.framework/tvm_runtime"
    for image in linked.runtime:
        assert read_macho(image.path.read_bytes(), "image").install_name == runtime
    for image in linked.model:
        found = read_macho(image.path.read_bytes(), "image")
        assert runtime in found.needed
        assert found.install_name == "@rpath/g2p_flutter_model.framework/g2p_flutter_model"
        assert "TVMFFIRegister" in found.undefined


def test_what_nothing_refers_to_is_linked_where_it_is_forced(bench: Workbench) -> None:
    source = '__attribute__((constructor)) static void lonely(void) { __asm__("nop"); }'
    archive = bench.library("lonely", source)
    other = bench.library("other", "int g2p_other(void) { return 1; }")
    forced = bench.link(bench.spec("forced", [archive, other], "g2p_*"))
    left = bench.link(bench.spec("left", [other], "g2p_*", on_demand=(archive,)))
    assert "liblonely.a(lonely.o)" in _objects(forced.link_map)
    assert "liblonely.a(lonely.o)" not in _objects(left.link_map)


def test_an_archive_on_demand_gives_what_is_exported_and_what_that_needs(bench: Workbench) -> None:
    archive = bench.archive(
        "crate",
        [
            bench.object("api", "int below(void); int g2p_run(void) { return below(); }"),
            bench.object("below", "int below(void) { return 2; }"),
            bench.object("unused", "int unused(void) { return 3; }"),
        ],
    )
    image = bench.link(bench.spec("g2p_model", [], "g2p_*", on_demand=(archive,)))
    assert read_macho(image.path.read_bytes(), "image").exported == ("g2p_run",)
    objects = _objects(image.link_map)
    assert "libcrate.a(below.o)" in objects
    assert "libcrate.a(unused.o)" not in objects


def test_the_record_names_the_archives_that_are_in_it(bench: Workbench) -> None:
    image = bench.runtime()
    assert image.archives == (bench.folder / "libruntime.a",)
    assert image.proof_only == (darwin.find_linker().kind == "lld")
    assert image.linker


def test_a_symbol_that_no_one_has_is_refused_by_name(bench: Workbench) -> None:
    archive = bench.library("model", MODEL)
    with pytest.raises(BuildError, match=r"g2p_model does not link for ios: .*_TVMFFIRegister"):
        bench.link(bench.spec("g2p_model", [archive], "g2p_*"))


@pytest.mark.skipif("sys.platform == 'darwin'", reason="the system's own list is Apple's on a Mac")
def test_a_function_that_ios_does_not_have_is_refused(bench: Workbench) -> None:
    source = "extern int system(const char *); int g2p_run(void) { return system(0); }"
    archive = bench.library("model", source)
    with pytest.raises(BuildError, match="_system"):
        bench.link(bench.spec("g2p_model", [archive], "g2p_*"))


def test_one_symbol_in_two_forced_archives_is_refused(bench: Workbench) -> None:
    first, second = bench.library("first", RUNTIME), bench.library("second", RUNTIME)
    with pytest.raises(BuildError, match=r"duplicate symbol.*_TVMFFI|duplicate symbol.*_helper"):
        bench.link(bench.spec("tvm_runtime", [first, second], "TVMFFI*"))


@pytest.mark.parametrize("where", ["forced", "on_demand"])
@pytest.mark.parametrize(
    ("made_for", "words"),
    [
        ("ios-simulator-arm64", "is for ios-simulator, ios needs ios"),
        ("macos-arm64", "is for macos, ios needs ios"),
        ("ios-simulator-x64", "is Mach-O x86_64, ios needs Mach-O arm64"),
        ("linux-arm64", "is ELF arm64, ios needs Mach-O arm64"),
    ],
)
def test_an_object_for_another_target_is_refused(
    bench: Workbench,
    bench_for: Callable[[str], Workbench],
    made_for: str,
    words: str,
    where: str,
) -> None:
    archive = bench_for(made_for).library("runtime", RUNTIME)
    forced, on_demand = ([archive], ()) if where == "forced" else ([], (archive,))
    with pytest.raises(ArtifactError, match=words):
        bench.link(bench.spec("tvm_runtime", forced, "TVMFFI*", on_demand=on_demand))


def test_an_object_for_a_newer_system_is_refused(bench: Workbench) -> None:
    newer = replace(target_named("ios"), minimum_os="17.0")
    archive = Workbench(bench.folder, newer).library("runtime", RUNTIME)
    with pytest.raises(ArtifactError, match=r"needs ios 17\.0, wanted is 13\.0"):
        bench.link(bench.spec("tvm_runtime", [archive], "TVMFFI*"))


def test_a_missing_archive_is_named(bench: Workbench) -> None:
    with pytest.raises(ArtifactError, match=r"libgone\.a is missing"):
        bench.link(bench.spec("tvm_runtime", [bench.folder / "libgone.a"], "TVMFFI*"))


def test_the_same_archives_make_the_same_bytes(bench: Workbench, tmp_path: Path) -> None:
    archive = bench.library("runtime", RUNTIME)
    spec = bench.spec("tvm_runtime", [archive], "TVMFFI*")
    first = link_image(spec, tmp_path / "a" / "tvm_runtime").path.read_bytes()
    again = link_image(spec, tmp_path / "b" / "tvm_runtime").path.read_bytes()
    assert first == again


def test_no_folder_of_this_machine_gets_into_an_image(bench: Workbench) -> None:
    image = bench.runtime()
    content = image.path.read_bytes()
    assert str(bench.folder).encode() not in content
    assert not re.search(rb"/(?:home|root|Users|tmp|work)/", content)


def test_a_failed_link_leaves_the_old_image_alone(bench: Workbench) -> None:
    image = bench.runtime()
    before = image.path.read_bytes()
    broken = bench.library("broken", MODEL)
    with pytest.raises(BuildError):
        link_image(bench.spec("tvm_runtime", [broken], "TVMFFI*"), image.path)
    assert image.path.read_bytes() == before
    assert {path.name for path in image.path.parent.iterdir()} == {"tvm_runtime", "link.map"}


def _objects(link_map: Path | None) -> str:
    assert link_map is not None
    return link_map.read_text(errors="replace").partition("# Sections:")[0]


def test_an_old_object_for_ios_on_x86_64_is_for_the_simulator(bench: Workbench) -> None:
    # Until iOS 12 an object did not say "simulator"; Rust's standard library is marked so.
    old = replace(target_named("ios-simulator-x64"), minimum_os="10.0")
    content = Workbench(bench.folder, old).object("old", "int f(void) { return 1; }").read_bytes()
    found = read_macho(content, "old.o")
    assert (found.platform, found.minimum_os) == ("ios-simulator", "10.0")


METAL = """\
@interface MTLCompileOptions
+ (id)new;
@end
@interface NSString
+ (id)string;
@end
extern id MTLCreateSystemDefaultDevice(void);
id TVMFFIOptions(void) {
  @autoreleasepool { [NSString string]; MTLCreateSystemDefaultDevice(); }
  return [MTLCompileOptions new];
}
"""


def test_a_runtime_with_metal_needs_metal_s_frameworks(bench: Workbench) -> None:
    archive = bench.archive("metal", [bench.object("metal", METAL, suffix=".m")])
    wanted = system_needed([archive])
    assert wanted[-1] == "Metal"
    image = bench.link(bench.spec("tvm_runtime", [archive], "TVMFFI*", system=wanted))
    needed = read_macho(image.path.read_bytes(), "image").needed
    for name in ("Foundation", "Metal"):
        assert f"/System/Library/Frameworks/{name}.framework/{name}" in needed
    with pytest.raises(BuildError, match="MTLC"):
        bench.link(bench.spec("tvm_runtime", [archive], "TVMFFI*", system=wanted[:-1]))


def test_a_runtime_without_metal_needs_the_c_library_and_c_plus_plus_alone(
    bench: Workbench,
) -> None:
    assert system_needed([bench.library("runtime", RUNTIME)]) == ("libc++",)
