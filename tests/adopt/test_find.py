"""What is found in a plugin: by symbols and by lines, never by the name of a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.adopt.objects import (
    IOS,
    MACOS,
    RUNTIME,
    SIMULATOR,
    apple_archive,
    archive,
    elf_library,
    elf_object,
)  # fmt: skip
from tests.adopt.plugins import write
from tests.artifacts.conftest import macho_object
from tvmplug.adopt.answers import guess, split_prefixes
from tvmplug.adopt.binaries import read_binary
from tvmplug.adopt.find import Finding, find
from tvmplug.adopt.survey import find_plugins, look
from tvmplug.apple.universal import join
from tvmplug.errors import AdoptError

OTHER_CPU = 0x01000007
X86 = ("-m32", "-nostdlib")
PUBSPEC = "name: g2p_flutter\n"


def found_in(folder: Path, files: dict[str, str | bytes]) -> list[Finding]:
    return list(find(look(write(folder, {"pubspec.yaml": PUBSPEC, **files}))))


def kinds(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.kind, finding.place) for finding in findings}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (elf_library(*RUNTIME), "ELF x86_64 library"),
        (elf_library("kokoro_speak", *RUNTIME), "ELF x86_64 library"),
        (archive([elf_object("own"), elf_object(*RUNTIME)]), "ELF x86_64 archive"),
        (elf_library(*RUNTIME, more=X86), "ELF x86 library"),
        (elf_object("TVMFuncCall", more=X86), "ELF x86 library"),
        (apple_archive(*RUNTIME, platform=SIMULATOR), "ios-simulator arm64 archive"),
        (
            join(
                [
                    macho_object([(RUNTIME[0], True, False)], MACOS, cpu=cpu)
                    for cpu in (0x0100000C, OTHER_CPU)
                ],
                "fat",
            ),
            "macos arm64, macos x86_64 library",
        ),
        (elf_object("_ZN3tvm7runtime6ModuleC1Ev"), "ELF x86_64 library"),
    ],
)  # fmt: skip
def test_a_runtime_is_known_by_what_it_defines(content: bytes, what: str) -> None:
    binary = read_binary(content, "words.bin")
    assert binary.problem is None
    assert binary.what == what
    assert binary.runtime


@pytest.mark.parametrize(
    "content",
    [
        elf_library("kokoro_speak", needs="TVMFFIFunctionCall"),
        elf_library("__tvm_ffi_main", "TVM_is_mentioned", "MyTVMFFIFunctionCall"),
        apple_archive("__tvm_ffi_g2p_main", "g2p___tvm_ffi__library_bin"),
        archive([macho_object([("_ZN3tvm3ffi6StringC1Ev", True, True)], IOS)]),
    ],
)
def test_what_needs_a_runtime_or_includes_its_headers_is_none(content: bytes) -> None:
    binary = read_binary(content, "libtvm_runtime.so")
    assert binary.problem is None
    assert binary.runtime == ()


@pytest.mark.parametrize("size", [8, 20, 60, 70, 200])
def test_a_damaged_library_is_a_finding_and_no_crash(tmp_path: Path, size: int) -> None:
    found = found_in(
        tmp_path, {"a.so": elf_library(*RUNTIME)[:size], "b.a": apple_archive(*RUNTIME)[:size],
                   "c.so": elf_library(*RUNTIME)},
    )  # fmt: skip
    unread = {finding.path for finding in found if finding.kind == "unread"}
    assert unread == {"a.so", "b.a"}


def test_a_file_called_like_the_runtime_that_is_none_is_not_removed(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a/libtvm_runtime.so": "a note", "b/libtvm_runtime.a": b"\0"}
    assert found_in(tmp_path, files) == []


def test_a_java_class_is_no_universal_library(tmp_path: Path) -> None:
    java = b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(60)
    assert found_in(tmp_path, {"A.class": java}) == []


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_runtime_in_a_package_is_told_and_left_to_the_author(tmp_path: Path, kind: str) -> None:
    inside = write(tmp_path / "in", {"jni/x86_64/libx.so": elf_library(*RUNTIME), "a.txt": "a"})
    shutil.make_archive(str(tmp_path / "out/mlc4j"), kind, inside)
    package = (tmp_path / f"out/mlc4j.{kind}").read_bytes()
    files: dict[str, str | bytes] = {
        "android/libs/mlc4j.aar": package, "b.aar": package[:700], "c.aar": package[:40],
    }  # fmt: skip
    found = [f for f in found_in(tmp_path / "p", files) if f.path == "android/libs/mlc4j.aar"]
    assert [f.kind for f in found] == ["packed"]
    assert "jni/x86_64/libx.so" in found[0].what


def test_a_library_that_git_lfs_keeps_is_told(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    found = found_in(tmp_path, {"a.so": pointer, "b.so": elf_library(*RUNTIME), "c.bin": pointer})
    assert {f.path for f in found if f.kind == "unread"} == {"a.so"}


def test_the_same_library_is_told_across_plugins(tmp_path: Path) -> None:
    same: dict[str, str | bytes] = {"pubspec.yaml": PUBSPEC, "x/a.a": apple_archive(*RUNTIME)}
    one, two, three = (tmp_path / name for name in "abc")
    for folder in (one, two):
        write(folder, same)
    write(three, {**same, "x/a.a": apple_archive(*RUNTIME, build=8)})
    surveys = [(path.name, look(path)) for path in find_plugins(tmp_path)]
    told = {
        name: [f.what for f in find(survey, surveys[:place]) if f.kind == "copy"]
        for place, (name, survey) in enumerate(surveys)
    }
    assert told == {
        "a": [],
        "b": ["the same library as a/x/a.a, byte for byte"],
        "c": ["the same library as a/x/a.a, with the same symbols"],
    }


def test_every_line_is_told_with_its_place(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        {
            "CMakeLists.txt": 'set(T "$ENV{HOME}/t")\n# /home/ada/t\nlink(-Wl,--whole-archive)\n',
            "build.sh": "cd ~/tvm\necho hello~/x\nexport TVM_HOME=$HOME/tvm\r\n",
            "a.xcconfig": "OTHER_LDFLAGS = -all_load\n// -ObjC\n",
            "native/Cargo.toml": '[dependencies]\ntvm-ffi.workspace = true\ntvmish = "1"\n'
            '[build-dependencies.tvm-sys]\n',
            "lib/a.dart": "// libtvm_runtime.so\nfinal a = 'libtvm_ffi.dylib';\n",
            "android/build.gradle.kts": "namespace = 1\npickFirsts += \"**/libtvm_runtime.so\"\n",
        },
    )  # fmt: skip
    assert kinds(found) == {
        ("home-path", "CMakeLists.txt:1"), ("force-load", "CMakeLists.txt:3"),
        ("home-path", "build.sh:1"), ("home-path", "build.sh:3"), ("variable", "build.sh:3"),
        ("force-load", "a.xcconfig:1"), ("crate", "native/Cargo.toml:2"),
        ("crate", "native/Cargo.toml:4"), ("names-runtime", "lib/a.dart:2"),
        ("pick-first", "android/build.gradle.kts:2"), ("pubspec", "pubspec.yaml"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "files",
    [
        {"lib/a.dart": "void main() {}\n"},
        {"build.sh": "cd ~/x\n", "ios/a.podspec": "s.x = '-ObjC -force_load a.a'\n"},
        {"android/build.gradle": "apply plugin: 'kotlin-android'\n"},
        {"a.so": elf_library("own")},
    ],
)
def test_a_plugin_without_a_tvm_has_nothing_to_adopt(
    tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    assert found_in(tmp_path, files) == []


@pytest.mark.parametrize(
    ("prefixes", "proposed", "expected"),
    [
        (["g2p_"], "g2p_", ("g2p_", [])),
        (["g2p_encoder_"], "g2p_", ("g2p_", ["encoder"])),
        (["g2p_"], "charsiug2p_", ("g2p_", [])),
        (["k_text_enc_", "k_text_dec_"], "kokoro_", ("k_text_", ["enc", "dec"])),
        (["g2p_decoder_step_", "g2p_decoder_"], "x_", ("g2p_", ["decoder_step", "decoder"])),
    ],
)
def test_prefix_and_components_come_from_symbols(
    prefixes: list[str], proposed: str, expected: tuple[str, list[str]]
) -> None:
    assert split_prefixes(prefixes, proposed) == expected


def test_an_answer_that_the_template_would_refuse_is_not_given(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pubspec.yaml": 'name: g2p_flutter\ndescription: "A <b>bold</b> claim"\n'
            "homepage: https://example.com/x\n",
            "LICENSE": "Copyright (c) [yyyy] [name of copyright owner]\nAll rights reserved.\n",
            "a.a": apple_archive("tvm_main___tvm_ffi__library_bin"),
        },
    )
    assert {name: a.value for name, a in guess(look(tmp_path)).items()} == {
        "kind": "model", "plugin_name": "g2p_flutter",
    }  # fmt: skip


def test_a_folder_without_a_plugin_says_so(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="holds no Flutter plugin"):
        find_plugins(tmp_path)
