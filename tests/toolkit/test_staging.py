"""Stamps, staging, the audit of a shared library, and what becomes of a compiler's answer."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tvmplug import environment, files
from tvmplug.build import images, library, steps
from tvmplug.build.image import Image
from tvmplug.build.staging import human_size, stage
from tvmplug.build.stamp import Stamp, is_current, write_stamp
from tvmplug.errors import (
    ArtifactError,
    CompileError,
    ExportError,
    FileError,
    ProcessError,
    ToolError,
    TvmplugError,
)
from tvmplug.metadata import ComponentSpec, Metadata
from tvmplug.project import Project, find_project
from tvmplug.relay import relay
from tvmplug.targets import TARGETS

LINUX = TARGETS["linux-x64"]


def test_a_stamp_holds_until_an_input_or_an_output_changes(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(b"built")
    stamp = tmp_path / "build.json"
    inputs = {"crate": "1"}
    assert not is_current(tmp_path, stamp, inputs)
    write_stamp(stamp, Stamp(inputs, {"lib.so": files.sha256_bytes(b"built")}))
    assert is_current(tmp_path, stamp, inputs)
    assert not is_current(tmp_path, stamp, {"crate": "2"})
    (tmp_path / "lib.so").write_bytes(b"edited")
    assert not is_current(tmp_path, stamp, inputs)
    (tmp_path / "lib.so").unlink()
    assert not is_current(tmp_path, stamp, inputs)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inputs": {"crate": "1"}}', "null"])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "build.json").write_text(text)
    assert not is_current(tmp_path, tmp_path / "build.json", {"crate": "1"})


def test_staging_keeps_a_mapped_library_and_skips_an_equal_one(tmp_path: Path) -> None:
    source = tmp_path / "libx.so"
    source.write_bytes(b"one")
    place = tmp_path / "plugin" / "linux" / "libx.so"
    (first,) = stage(tmp_path / "plugin", place.parent, [source])
    assert (first.path, first.size) == ("linux/libx.so", 3)
    inode = place.stat().st_ino
    with place.open("rb") as opened:
        stage(tmp_path / "plugin", place.parent, [source])
        assert place.stat().st_ino == inode
        source.write_bytes(b"two")
        stage(tmp_path / "plugin", place.parent, [source])
        assert opened.read() == b"one"
    assert place.read_bytes() == b"two"
    assert os.listdir(place.parent) == ["libx.so"]  # noqa: PTH208


def test_staging_into_what_is_no_folder_is_a_file_error(tmp_path: Path) -> None:
    source = tmp_path / "libx.so"
    source.write_bytes(b"one")
    (tmp_path / "linux").write_text("a file")
    with pytest.raises(FileError, match="linux"):
        stage(tmp_path, tmp_path / "linux", [source])


def test_sizes_read_well() -> None:
    assert [human_size(n) for n in (12, 643_000, 3_400_000)] == ["0 kB", "643 kB", "3.4 MB"]


FAKES = "void TVMFFIObjectDecRef(void) {}"
GOOD = """
extern void TVMFFIErrorMoveFromRaised(void); extern void TVMBackendFreeWorkspace(void);
__attribute__((visibility("default"))) void g2p_open(void) {
    TVMFFIErrorMoveFromRaised(); TVMBackendFreeWorkspace(); }
"""
RUNTIME = "void TVMFFIErrorMoveFromRaised(void) {} void TVMBackendFreeWorkspace(void) {}"
BOTH = ("-l:libtvm_runtime.so", "-l:libtvm_ffi.so")


def _link(folder: Path, name: str, source: str, *flags: str) -> Path:
    path = folder / name
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-x", "c", "-", "-x", "none",
         f"-L{folder}", "-o", path, "-Wl,--no-as-needed", *flags],
        input=source, text=True, check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def linked(tmp_path: Path, model: Path) -> tuple[Path, Project]:
    """A folder with stand-ins for the runtime's libraries to link against, and the plugin."""
    for name in environment.runtime_libraries_of(LINUX):
        _link(tmp_path, name, RUNTIME, f"-Wl,-soname,{name}")
    return tmp_path, find_project(model)


def test_a_library_as_it_should_be_has_no_problem(linked: tuple[Path, Project]) -> None:
    folder, project = linked
    path = _link(folder, "libg2p_flutter.so", GOOD, *BOTH, "-Wl,-rpath,$ORIGIN")
    assert library.audit_library(path, project, LINUX) == []


ORIGIN = "-Wl,-rpath,$ORIGIN"


@pytest.mark.parametrize(
    ("source", "flags", "says"),
    [
        (GOOD, ("-l:libtvm_ffi.so", "-l:libtvm_runtime.so"), "its search path is '', not $ORIGIN"),
        (GOOD, (*BOTH, "-Wl,-rpath,/opt/tvm"), "its search path is '/opt/tvm'"),
        (GOOD, (*BOTH, "-Wl,-rpath,$ORIGIN:/opt/tvm"), "its search path is '$ORIGIN:/opt/tvm'"),
        (GOOD, ("-l:libtvm_ffi.so", ORIGIN), "not linked to libtvm_runtime.so"),
        (GOOD, (*BOTH, "-lz", ORIGIN), "it needs libz.so.1"),
        (GOOD.replace("g2p_open", "open_g2p"), (*BOTH, ORIGIN), "it exports open_g2p"),
        (GOOD.replace('"default"', '"hidden"'), (*BOTH, ORIGIN), "exports no g2p_ function"),
        (
            GOOD + '__attribute__((visibility("default"))) ' + FAKES,
            (*BOTH, ORIGIN),
            "bundles a TVM runtime",
        ),
        (
            GOOD + 'const char *const where = "/home/ada/src/api.rs";',
            (*BOTH, ORIGIN),
            "the path /home/ada/src/api.rs of this machine",
        ),
    ],
)
def test_what_must_not_be_shipped_is_told(
    linked: tuple[Path, Project], source: str, flags: tuple[str, ...], says: str
) -> None:
    folder, project = linked
    if "-lz" in flags:
        _link(folder, "libz.so", "int z;", "-Wl,-soname,libz.so.1")
    path = _link(folder, "libg2p_flutter.so", source, *flags)
    problems = library.audit_library(path, project, LINUX)
    assert len(problems) == 1
    assert says in problems[0]


def test_no_library_and_no_elf_are_errors(linked: tuple[Path, Project]) -> None:
    folder, project = linked
    with pytest.raises(ArtifactError, match="is missing"):
        library.audit_library(folder / "none.so", project, LINUX)
    (folder / "text.so").write_text("no library")
    with pytest.raises(ArtifactError, match="no ELF library"):
        library.audit_library(folder / "text.so", project, LINUX)


def _answering(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compile environment whose compiler does what `script` says."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", str(python))


def test_the_compilers_errors_keep_their_family_message_and_mend(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = '{"error": "ExportError", "message": "export() returned 3", "mend": "Return a list"}'
    _answering(tmp_path, f"echo noise; echo '{error}'; exit 6", monkeypatch)
    with pytest.raises(ExportError) as caught:
        environment.run_compiler(find_project(model), LINUX, update_golden=False)
    assert str(caught.value) == "export() returned 3. Return a list"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo out of memory >&2; kill -9 $$", "ended by signal 9"),
        ("echo Segmentation fault >&2; exit 139", "failed (139)"),
        ("echo no json; exit 0", "failed (0)"),
    ],
)
def test_a_compiler_that_dies_is_a_compile_error_with_its_last_lines(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    _answering(tmp_path, script, monkeypatch)
    with pytest.raises(CompileError) as caught:
        environment.run_compiler(find_project(model), LINUX, update_golden=False)
    assert says in str(caught.value)
    if ">&2" in script:
        assert script.partition(" >&2")[0].removeprefix("echo ") in str(caught.value)


def test_of_several_targets_each_has_its_own_result_or_error(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = '{"archive": "here", "kernels": {"compiled": 2, "cached": 3}}'
    error = '{"error": "CompileError", "message": "no such operation", "mend": null}'
    _answering(tmp_path, f"echo '{made}'; echo '{error}'; exit 7", monkeypatch)
    targets = [LINUX, TARGETS["linux-arm64"]]
    good, bad = environment.run_compiler_for(find_project(model), targets, update_golden=False)

    assert not isinstance(good, TvmplugError)
    assert good["archive"] == "here"
    assert isinstance(bad, CompileError)
    assert "kernels: 2 compiled, 3 from the cache" in capsys.readouterr().err


def test_an_error_of_all_targets_is_one_error(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = '{"error": "ExportError", "message": "export() returned 3", "mend": null}'
    _answering(tmp_path, f"echo '{error}'; exit 6", monkeypatch)
    targets = [LINUX, TARGETS["linux-arm64"]]
    with pytest.raises(ExportError, match="returned 3"):
        environment.run_compiler_for(find_project(model), targets, update_golden=False)

    outcomes = steps.compile_models(find_project(model), targets)
    assert [type(each) for each in outcomes] == [ExportError, ExportError]


def test_a_compile_python_with_another_tvm_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = '{"apache-tvm": ["0.26.0", []], "apache-tvm-ffi": ["0.1.15.post2", []]}'
    _answering(tmp_path, f"echo '{told}'", monkeypatch)
    with pytest.raises(ToolError, match=r"has apache-tvm 0\.26\.0, the pin is 0\.27\.0"):
        environment.runtime_libraries(None, LINUX)


def test_a_compile_python_that_is_no_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", "/nowhere/python")
    with pytest.raises(ToolError, match="/nowhere/python"):
        environment.compile_python(None)


def test_the_runtime_libraries_are_those_of_the_pinned_wheels() -> None:
    folder = environment.runtime_libraries(None, LINUX)
    assert sorted(path.name for path in folder.iterdir()) == ["libtvm_ffi.so", "libtvm_runtime.so"]
    assert environment.runtime_libraries(None, LINUX) == folder


def test_relay_hands_on_progress_while_the_program_runs(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    script = "echo one >&2; sleep 0.5; echo two >&2; echo out"
    done = relay(
        ["sh", "-c", script],
        cwd=tmp_path,
        env=None,
        timeout_s=30,
        show=lambda line: seen.append((line, time.monotonic())),
    )
    assert [line for line, _ in seen] == ["one", "two"]
    assert seen[1][1] - seen[0][1] > 0.3
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "one\ntwo")


def test_relay_ends_a_program_that_runs_too_long(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ProcessError, match=r"did not finish within 0\.3 s"):
        relay(["sleep", "30"], cwd=tmp_path, env=None, timeout_s=0.3, show=lambda _: None)
    assert time.monotonic() - started < 5


def test_a_model_that_calls_a_part_the_runtime_lacks_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "libtvm_runtime.a"
    archive.write_bytes(b"...vm.builtin.match_shape\0vm.builtin.attention_kv_cache\0")
    target = TARGETS["linux-arm64"]
    runtime = Image(target, tmp_path / "libtvm_runtime.so", None, "zig", False, (archive,))

    def checked(call: str) -> None:
        component = ComponentSpec(
            "decoder", "g2p_decoder_", "main", (), (), {}, rtol=1e-4, atol=1e-5, calls=(call,)
        )
        metadata = Metadata(
            "g2p_flutter", "g2p_", "x.a", "0", target.name, {}, "0", "0", "0", (component,)
        )
        images.check_calls(metadata, target, runtime)

    checked("vm.builtin.match_shape")
    with pytest.raises(ArtifactError, match=r"'decoder' calls vm\.builtin\.attention, which"):
        checked("vm.builtin.attention")
