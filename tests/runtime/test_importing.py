"""The author's own runtime is taken in when it is what it must be, and refused in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import zig
from tvmplug.errors import ArtifactError, FileError
from tvmplug.runtime import Runtime, build_runtime, find_runtime
from tvmplug.runtime.importing import import_runtime
from tvmplug.runtime.sources import find_sources
from tvmplug.runtime.store import remove_runtimes
from tvmplug.targets import target_named

pytestmark = pytest.mark.slow

IOS_TRIPLE = "aarch64-ios.13.0"


@pytest.fixture
def own(ios: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as an author's build leaves it, and a cache of its own to import it into."""
    folder = tmp_path / "own"
    (folder / "lib").mkdir(parents=True)
    for archive in ios.archives:
        shutil.copyfile(archive, folder / "lib" / archive.name)
    add_headers(folder)
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def add_headers(folder: Path) -> None:
    sources = find_sources()
    for package in (sources.tvm, sources.tvm_ffi):
        for header in ("tvm/runtime/base.h", "tvm/ffi/c_api.h"):
            if (package / "include" / header).is_file():
                place = folder / package.name / "include" / header
                place.parent.mkdir(parents=True)
                shutil.copyfile(package / "include" / header, place)


def add_archive(folder: Path, name: str, source: str, triple: str = IOS_TRIPLE) -> None:
    """Compile one more object into an archive of the author's folder."""
    path = folder / "lib" / f"{name}.c"
    path.write_text(source)
    zig.compile_with("cc", triple, ["-c", path, "-o", path.with_suffix(".o")])
    zig.run(zig.command("ar", "qcsD", path.with_name(f"lib{name}.a"), path.with_suffix(".o")))


def refused(folder: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        import_runtime(folder)
    assert find_runtime(target_named("ios")) is None
    return caught.value.message


def test_an_imported_runtime_is_used_until_it_is_removed(own: Path) -> None:
    (imported,) = import_runtime(own)
    assert (imported.target.name, imported.origin, imported.shared) == ("ios", "imported", None)
    assert [path.name for path in imported.archives] == ["libtvm_runtime.a", "libtvm_ffi_static.a"]
    assert find_runtime(imported.target) == imported
    assert build_runtime(imported.target) == imported
    assert remove_runtimes([imported.target], built=False) == [imported.folder]
    assert find_runtime(imported.target) is None


def test_an_extension_stands_before_what_it_needs(own: Path) -> None:
    add_archive(own, "tvm_runtime_metal", "int metal_runtime_is_here;")
    (imported,) = import_runtime(own)
    assert [path.name for path in imported.archives] == [
        "libtvm_runtime.a",
        "libtvm_runtime_metal.a",
        "libtvm_ffi_static.a",
    ]


def test_an_elf_runtime_is_linked_into_a_library(
    linux_arm64: Runtime, own: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elf"
    (folder / "arm64").mkdir(parents=True)
    for archive in linux_arm64.archives:
        shutil.copyfile(archive, folder / "arm64" / archive.name)
    add_headers(folder)
    (imported,) = import_runtime(folder)
    assert imported.target.name == "linux-arm64"
    assert imported.shared is not None
    assert imported.sizes[imported.shared.name] == linux_arm64.sizes["libtvm_runtime.so"]
    assert imported.link_map is not None
    assert "libtvm_ffi_static.a(" in imported.link_map.read_text()


def test_one_folder_a_target_is_imported_at_once(own: Path, linux_arm64: Runtime) -> None:
    (own / "lib").rename(own / "ios")
    (own / "linux").mkdir()
    for archive in linux_arm64.archives:
        shutil.copyfile(archive, own / "linux" / archive.name)
    assert [runtime.target.name for runtime in import_runtime(own)] == ["ios", "linux-arm64"]


@pytest.mark.parametrize(
    ("triple", "said"),
    [
        ("aarch64-ios.14.0-simulator", "is for ios-simulator, ios needs ios"),
        ("aarch64-macos.11.0", "is for macos, ios needs ios"),
        ("aarch64-ios.17.0", "needs ios 17.0, wanted is 13.0"),
        ("x86_64-macos.11.0", "is Mach-O x86_64, ios needs Mach-O arm64"),
        ("aarch64-linux-gnu", "is ELF arm64, ios needs Mach-O arm64"),
    ],
)
def test_an_object_for_something_else_is_refused(own: Path, triple: str, said: str) -> None:
    add_archive(own, "tvm_zz_other", "int other(void) { return 1; }", triple)
    assert said in refused(own)


def test_a_second_tvm_ffi_is_refused(own: Path) -> None:
    shutil.copyfile(own / "lib" / "libtvm_ffi_static.a", own / "lib" / "libtvm_ffi_again.a")
    message = refused(own)
    assert "libtvm_ffi_again.a" in message
    assert "and again in libtvm_ffi_static.a" in message


def test_a_missing_tvm_ffi_is_refused(own: Path) -> None:
    (own / "lib" / "libtvm_ffi_static.a").unlink()
    assert "the runtime for ios lacks TVMFFI" in refused(own)


def test_the_testing_library_is_refused(own: Path) -> None:
    add_archive(own, "tvm_ffi_testing", "int TVMFFITestingDummyTarget(void) { return 0; }")
    assert refused(own).endswith("is tvm-ffi's testing library")


@pytest.mark.parametrize(
    ("header", "old", "new", "said"),
    [
        ("tvm/include/tvm/runtime/base.h", '"0.27.0"', '"0.26.0"', "was made from tvm 0.26.0"),
        ("tvm_ffi/include/tvm/ffi/c_api.h", "_MINOR 1", "_MINOR 2", "was made from tvm_ffi 0.2."),
    ],
)
def test_another_tvm_is_refused(own: Path, header: str, old: str, new: str, said: str) -> None:
    text = (own / header).read_text()
    assert old in text
    (own / header).write_text(text.replace(old, new))
    assert said in refused(own)


def test_an_unknown_version_is_refused(own: Path) -> None:
    shutil.rmtree(own / "tvm_ffi")
    assert "holds no tvm/ffi/c_api.h" in refused(own)


def test_an_archive_of_several_processors_is_refused(own: Path) -> None:
    fat = b"\xca\xfe\xba\xbe" + (own / "lib" / "libtvm_runtime.a").read_bytes()
    (own / "lib" / "libtvm_runtime.a").write_bytes(fat)
    assert refused(own).endswith("libtvm_runtime.a holds several processors")


def test_a_damaged_archive_is_refused_without_the_advice_to_build(own: Path) -> None:
    path = own / "lib" / "libtvm_runtime.a"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ArtifactError) as caught:
        import_runtime(own)
    assert "libtvm_runtime.a" in caught.value.message
    assert "tvmplug build" not in str(caught.value)


def test_a_folder_without_archives_is_refused(own: Path) -> None:
    shutil.rmtree(own / "lib")
    assert refused(own).endswith("holds no static archive (*.a)")


def test_a_folder_that_is_not_there_is_refused(own: Path) -> None:
    with pytest.raises(FileError, match="is no folder"):
        import_runtime(own / "nowhere")


def test_two_runtimes_for_one_target_are_refused(
    own: Path, built: Callable[[str], Runtime]
) -> None:
    shutil.copytree(own / "lib", own / "again")
    assert refused(own).endswith("holds two runtimes for ios")
