"""The parts of tools/ that need no toolchain: what is read, decided and generated."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from tools.app import config_cmake
from tools.assets import Asset, asset_manifest, declared_assets, notices
from tools.codec import encode
from tools.flutter_test import Case, Outcome, Result, read_report
from tools.icons import debian_codes, flutter_codes
from tools.kernel import read_answer
from tools.packages import at_its_place, read_pubspec
from tools.plugins import (
    Package,
    Plugin,
    cmake_list,
    dart_registrant,
    plugin_of,
    registrant_source,
)
from tools.sandbox import command_inside, outermost
from tvmplug.errors import ProjectError, ToolError

FFI = Plugin("g2p_flutter", Path("/g2p"), "", True, "G2pPlugin", "src/plugin.dart")
NATIVE = Plugin("window_plus", Path("/w"), "WindowPlusPlugin", False, "", "window_plus.dart")


def report(*events: dict[str, str]) -> str:
    return "".join(json.dumps({"name": "", **event}) + "\n" for event in events)


PASSED = {"event": "result", "name": "a", "outcome": "passed", "reason": ""}


def test_a_report_is_complete_when_it_says_so() -> None:
    text = report({"event": "start", "name": "a"}, PASSED, {"event": "done"})
    assert list(read_report("f", text, "exit status 0")) == [Case("f", "a", Outcome.PASSED)]


@pytest.mark.parametrize(
    ("events", "running"),
    [
        ([], "(loading)"),
        ([{"event": "start", "name": "a"}], "a"),
        ([{"event": "start", "name": "a"}, PASSED], "(after the tests)"),
    ],
)
def test_an_end_before_the_report_is_complete_fails_what_was_running(
    events: list[dict[str, str]], running: str
) -> None:
    last = list(read_report("f", report(*events), "died of SIGSEGV"))[-1]
    assert last == Case("f", running, Outcome.FAILED, "died of SIGSEGV")


def test_a_line_cut_off_by_a_crash_counts_as_not_written() -> None:
    last = list(read_report("f", report(PASSED) + '{"event": "res', "died"))[-1]
    assert last.outcome is Outcome.FAILED


def test_tests_are_well_only_when_some_passed_and_none_failed() -> None:
    def result(*outcomes: Outcome) -> Result:
        return Result(tuple(Case("f", "a", outcome) for outcome in outcomes), "", 1.0)

    assert result(Outcome.PASSED, Outcome.SKIPPED).ok
    assert not result(Outcome.SKIPPED).ok
    assert not result(Outcome.PASSED, Outcome.FAILED).ok
    assert not result().ok


@pytest.mark.parametrize(
    ("returncode", "stdout", "ok", "said"),
    [
        (0, "result id\nid\n+file:///a\nid /out.dill 0\n", True, ""),
        (0, "result id\na: Error: no\nid\n+file:///a\nid /o 1\n", False, "a: Error: no"),
        (254, "result id\nid\nid /o 0\n", False, "result id\nid\nid /o 0"),
        (0, "Usage: frontend_server\n", False, "Usage: frontend_server"),
        (0, "", False, ""),
    ],
)  # fmt: skip
def test_the_frontend_server_means_what_its_last_line_counts(
    returncode: int, stdout: str, ok: bool, said: str
) -> None:
    answer = read_answer(returncode, stdout, "")
    assert (answer.ok, answer.output) == (ok, said)


def test_asset_manifests_are_in_flutters_message_format() -> None:
    assets = [
        Asset("b.txt", ((1.0, Path("b")),)),
        Asset("a/i.png", ((1.0, Path("i")), (2.5, Path("j")))),
    ]
    manifest = asset_manifest(assets)
    assert manifest == {
        "a/i.png": [{"asset": "a/i.png"}, {"asset": "a/2.5x/i.png", "dpr": 2.5}],
        "b.txt": [{"asset": "b.txt"}],
    }
    encoded = encode(manifest)
    # A map of two entries; the first key is a string of seven bytes.
    assert encoded[:11] == b"\x0d\x02\x07\x07a/i.png"
    assert encoded.index(struct.pack("<d", 2.5)) % 8 == 0
    assert encode("x" * 300)[:4] == b"\x07\xfe\x2c\x01"


def test_assets_are_files_folders_and_their_denser_variants(tmp_path: Path) -> None:
    for name in ("a/i.png", "a/2.0x/i.png", "a/sub/no.png", "b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(declared_assets({"assets": ["a/", "b.txt"]}, tmp_path, "packages/p/"))
    assert [asset.key for asset in found] == ["packages/p/a/i.png", "packages/p/b.txt"]
    assert found[0].files[1] == (2.0, tmp_path / "a/2.0x/i.png")
    with pytest.raises(ProjectError, match=r"names c\.txt, which is not there"):
        list(declared_assets({"assets": ["c.txt"]}, tmp_path, ""))


def test_notices_name_each_licence_once(tmp_path: Path) -> None:
    for name, text in {"a": "MIT", "b": "BSD", "c": "MIT"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "LICENSE").write_text(text + "\n")
    packages = [Package(name, tmp_path / name, "3.8") for name in "cba"]
    assert notices(packages) == "a\nc\n\nMIT\n" + "-" * 80 + "\nb\n\nBSD"


def test_icons_are_found_by_name_in_both_numberings() -> None:
    source = """
  /// <i class="material-icons md-36">add box</i> &#x2014; material icon named "add box".
  static const IconData add_box = IconData(0xe04a, fontFamily: 'MaterialIcons');

  /// <i>arrow back</i> &#x2014; material icon named "arrow back" (outlined).
  @staticIconProvider
  static const IconData arrow_back_outlined = IconData(
    0xee82, fontFamily: 'MaterialIcons', matchTextDirection: true);
"""
    assert flutter_codes(source) == {0xE04A: "add_box", 0xEE82: "arrow_back"}
    assert debian_codes('\t"add_box": e146,\n\t"10k": e951,\n') == {
        "add_box": 0xE146,
        "10k": 0xE951,
    }


def test_a_pubspec_says_what_its_linux_part_is() -> None:
    def declared(linux: object) -> Plugin | None:
        platforms = {"platforms": {"linux": linux}}
        return plugin_of({"name": "p", "flutter": {"plugin": platforms}}, Path("/p"))

    assert declared({"ffiPlugin": True}) == Plugin("p", Path("/p"), "", True, "", "p.dart")
    assert declared({"pluginClass": "none", "dartPluginClass": "P"}) == Plugin(
        "p", Path("/p"), "", False, "P", "p.dart"
    )
    assert declared({"default_package": "p_linux"}) is None
    assert plugin_of({"name": "p", "flutter": {"uses-material-design": True}}, Path("/p")) is None
    assert plugin_of({"name": "p"}, Path("/p")) is None


def test_generated_files_hold_each_plugin_where_it_belongs() -> None:
    cmake = cmake_list([FFI, NATIVE])
    ffi = cmake.index("list(APPEND FLUTTER_FFI_PLUGIN_LIST")
    assert cmake.index("  window_plus\n") < ffi < cmake.index("  g2p_flutter\n")
    source = registrant_source([FFI, NATIVE])
    assert "#include <window_plus/window_plus_plugin.h>" in source
    assert "window_plus_plugin_register_with_registrar(" in source
    assert "g2p" not in source
    dart = dart_registrant([FFI, NATIVE], "3.8")
    assert dart is not None
    assert "import 'package:g2p_flutter/src/plugin.dart' as g2p_flutter;" in dart
    assert "g2p_flutter.G2pPlugin.registerWith();" in dart
    assert "window_plus" not in dart
    assert dart_registrant([NATIVE], "3.8") is None


def test_cmake_learns_the_version_of_the_app() -> None:
    text = config_cmake(Path("/flutter"), Path("/app"), "1.2.3+45")
    for line in ('"1.2.3+45"', "MAJOR 1", "MINOR 2", "PATCH 3", "BUILD 45"):
        assert line in text
    assert "BUILD 0" in config_cmake(Path("/flutter"), Path("/app"), "1.2.3")


def test_a_pubspec_means_the_same_from_elsewhere() -> None:
    pubspec = {
        "name": "p",
        "dependencies": {"a": "^1.0.0", "b": {"path": "../b"}, "c": {"git": "file:///c"}},
        "dev_dependencies": None,
    }
    moved = at_its_place(pubspec, Path("/home/p"), {"c": Path("/c"), "p": Path("/home/p")})
    assert moved["dependencies"] == {
        "a": "^1.0.0", "b": {"path": "/home/b"}, "c": {"git": "file:///c"},
    }  # fmt: skip
    assert moved["dependency_overrides"] == {"c": {"path": "/c"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "has no pubspec.yaml"), ("a: [", "is no YAML"), ("- a\n", "holds no mapping")],
)
def test_a_broken_pubspec_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "pubspec.yaml").write_text(text)
    with pytest.raises(ProjectError, match=message):
        read_pubspec(tmp_path)


def test_folders_inside_others_are_shown_once(tmp_path: Path) -> None:
    for name in ("a/b/c", "ab"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    folders = [tmp_path / name for name in ("a/b/c", "a", "ab", "link")]
    assert outermost(folders) == [tmp_path / "a", tmp_path / "ab"]
    with pytest.raises(ToolError, match="none is no folder"):
        outermost([tmp_path / "none"])


def test_what_runs_in_a_root_gets_nothing_of_the_environment(tmp_path: Path) -> None:
    command = command_inside(tmp_path, ["true"], shown=[tmp_path], cwd=tmp_path, env={"CXX": "g++"})
    assert command[0] == "unshare"
    inner = command[command.index("--") + 1 :]
    assert inner[:3] == ["env", "--ignore-environment", f"--chdir={tmp_path}"]
    assert {"CXX=g++", "PATH=/usr/bin:/usr/sbin"} < set(inner)
    assert inner[-1] == "true"
