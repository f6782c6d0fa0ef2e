"""Three plugins as authors have them, adopted for real: what is gone, what stays, what works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tomlkit
import yaml

from tests.adopt import plugins
from tests.adopt.conftest import PLUGINS, Adopted, adopt, state
from tests.adopt.objects import RUNTIME
from tests.templates.conftest import commit, git, render, update
from tests.templates.pubspec_rules import problems
from tests.templates.test_update import release
from tvmplug.adopt.survey import look
from tvmplug.checks import check_project
from tvmplug.cli import main
from tvmplug.files import sha256_bytes
from tvmplug.findings import Status
from tvmplug.manifest import read_manifest
from tvmplug.pins import PINS
from tvmplug.project import find_project
from tvmplug.registry import register
from tvmplug.targets import host_target

pytestmark = pytest.mark.slow
Adoption = Callable[[str], Adopted]
KOKORO, G2P, VAD = PLUGINS


@pytest.fixture(params=list(PLUGINS))
def plugin(request: pytest.FixtureRequest, adopted: Adoption) -> Adopted:
    return adopted(request.param)


def outcomes(plugin: Adopted, kind: str) -> dict[str, str]:
    found = (each for each in plugin.told["findings"] if each["kind"] == kind)
    return {f"{each['file']}:{each['line']}": each["outcome"] for each in found}


def test_no_runtime_is_left_and_nothing_forces_or_links_one(plugin: Adopted) -> None:
    survey = look(plugin.after)
    assert survey.runtimes == ()
    glue = {"podspec", "gradle", "kts", "cmake", "sh"}
    for path, content in plugins.read(plugin.after).items():
        if path.rpartition(".")[2] in glue and not path.startswith("tool/"):
            for word in (b"force_load", b"-ObjC", b"libtvm", b"pickFirst", b"/Users/"):
                assert word not in content, path


def test_the_authors_branch_index_and_files_are_as_before(plugin: Adopted) -> None:
    after = state(plugin.folder)
    new = git(plugin.folder, "rev-parse", "tvmplug/adopt")
    branch = f"{new} commit\trefs/heads/tvmplug/adopt"
    after["branches"] = after["branches"].replace(branch, "").strip()
    assert after == plugin.before
    assert git(plugin.folder, "rev-parse", "tvmplug/adopt~1") == git(
        plugin.folder, "rev-parse", "HEAD"
    )


def test_every_source_of_the_authors_is_still_there(plugin: Adopted) -> None:
    before = PLUGINS[plugin.after.name]
    after = plugins.read(plugin.after)
    for path, content in before.items():
        source = path.endswith((".dart", ".rs", ".kt", ".java", ".swift", ".py", ".md"))
        if not source or path.startswith(("cargokit/", "rust_builder/")) or path in (
            "rust/build.rs", "macos/vad_flutter/Package.swift",
        ):  # fmt: skip
            continue
        raw = content if isinstance(content, bytes) else content.encode()
        assert raw in (after.get(path), after.get(f"{path}.before-adopt")), path


def test_what_changed_is_what_was_told(plugin: Adopted) -> None:
    before = plugins.read(plugin.folder)
    after = plugins.read(plugin.after)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {each["file"] for each in plugin.told["changes"]}


def test_check_has_no_complaint(plugin: Adopted, template: Path) -> None:
    runtime = plugin.after.parent / "tvm_runtime_flutter"
    if not runtime.exists():
        render(template, runtime, kind="runtime")
    manifest = read_manifest(plugin.after)
    assert manifest.model is not None
    register(runtime / "tvm_plugins.yaml", manifest.name, manifest.model.prefix)
    found = check_project(find_project(plugin.after), host_target(), None)
    failed = [each for each in found if each.status is Status.FAILED]
    assert failed == []
    skipped = {each.name for each in found if each.status is Status.SKIPPED}
    assert skipped <= {"metadata", "symbols", "library", "artifacts"}, "these wait for a build"


def test_the_pubspec_obeys_flutter_and_pub_and_the_native_classes_are_there(
    plugin: Adopted,
) -> None:
    pubspec = yaml.safe_load((plugin.after / "pubspec.yaml").read_text())
    assert problems(pubspec) == []
    assert pubspec["dependencies"]["tvm_runtime_flutter"] == {"path": "../tvm_runtime_flutter"}
    for platform, settings in pubspec["flutter"]["plugin"]["platforms"].items():
        if platform in ("android", "ios", "macos"):
            folder = "android" if platform == "android" else "darwin"
            name = f"{settings['pluginClass']}.{'kt' if platform == 'android' else 'swift'}"
            assert len(list((plugin.after / folder).rglob(name))) == 1
    for asset in pubspec["flutter"].get("assets", []):
        assert (plugin.after / asset).exists()


def test_a_real_update_to_a_newer_template_is_clean_and_keeps_the_authors_files(
    adopted: Adoption, own_template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / KOKORO
    git(tmp_path, "clone", "--quiet", str(adopted(KOKORO).after), str(folder))
    answers = folder / ".copier-answers.yml"
    source = next(line for line in answers.read_text().splitlines() if "_src_path" in line)
    answers.write_text(answers.read_text().replace(source, f"_src_path: {own_template}"))
    commit(folder, "The template is elsewhere here")
    before = plugins.read(folder)
    ignore = own_template / "template-model/.gitignore"
    ignore.write_text(ignore.read_text() + "/coverage/\n")
    release(own_template)
    update(folder)
    after = plugins.read(folder)
    assert git(folder, "ls-files", "--unmerged") == ""
    assert not [path for path in after if path.endswith(".rej")]
    assert b"0.27.1" in after["tvm_plugin.yaml"]
    new = {"NEWS.md"}
    gone = {".pubignore"}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == new | gone | {
        ".copier-answers.yml",
        ".gitignore",
        "tvm_plugin.yaml",
    }
    assert {".env", "/coverage/"} <= set(after[".gitignore"].decode().splitlines())


def test_the_glue_is_what_a_new_plugin_of_these_answers_has(
    adopted: Adoption, template: Path, tmp_path: Path
) -> None:
    plugin = adopted(KOKORO)
    answers = {name: answer["value"] for name, answer in plugin.told["answers"].items()}
    new = plugins.read(render(template, tmp_path / KOKORO, **answers))
    own = plugins.read(plugin.after)
    same = {path for path, content in new.items() if own.get(path) == content}
    assert {
        "android/build.gradle.kts", "android/settings.gradle.kts", "darwin/kokoro_flutter.podspec",
        "darwin/kokoro_flutter/Package.swift", "lib/src/plugin.dart", "rust/src/lib.rs",
        "rust/build.rs", "rust/tests/golden.rs", "tvm_plugin.yaml", ".copier-answers.yml",
        "android/src/main/kotlin/com/ada/kokoro_flutter/KokoroModelPlugin.kt",
    } <= same  # fmt: skip
    assert "android/build.gradle" not in own


def test_the_answers_come_from_the_plugin(adopted: Adoption) -> None:
    told = adopted(KOKORO).told["answers"]
    values = {name: answer["value"] for name, answer in told.items()}
    assert values == {
        "kind": "model", "plugin_name": KOKORO,
        "description": "Speech from text, on the device.", "organisation": "com.ada",
        "author": "Ada Lovelace", "license": "MIT",
        "repository": "https://github.com/ada/kokoro_flutter", "platforms": ["android", "ios"],
        "prefix": "kokoro_", "components": ["encoder", "decoder"],
    }  # fmt: skip
    answers = yaml.safe_load((adopted(KOKORO).after / ".copier-answers.yml").read_text())
    assert {name: answers[name] for name in values} == values


def test_cargokit_goes_with_its_home_paths_and_the_authors_script_is_named(
    adopted: Adoption,
) -> None:
    plugin = adopted(KOKORO)
    assert not (plugin.after / "cargokit").exists()
    assert outcomes(plugin, "builder") == {"cargokit:None": "removed"}
    homes = outcomes(plugin, "home-path")
    assert homes["cargokit/build_pod.sh:4"] == "removed"
    assert homes["rust/build.rs:4"] == "replaced"
    assert homes["rust/.cargo/config.toml:3"] == "edited"
    assert homes["tool/build_ios.sh:3"] == "by hand"
    assert "tool/build_ios.sh:2" not in homes, "a comment"
    config = tomlkit.parse((plugin.after / "rust/.cargo/config.toml").read_text())
    assert config == {"env": {"RUST_LOG": "info"}}


def test_forced_loading_is_found_in_every_setting(adopted: Adoption) -> None:
    podspec = "ios/kokoro_flutter.podspec"
    assert outcomes(adopted(KOKORO), "force-load") == {
        f"{podspec}:25": "removed", f"{podspec}:28": "removed", "rust/build.rs:6": "replaced",
    }  # fmt: skip
    assert "macos/vad_flutter/Package.swift:7" in outcomes(adopted(VAD), "force-load")


def test_the_crate_is_on_the_one_runtime(adopted: Adoption) -> None:
    cargo = tomlkit.parse((adopted(VAD).after / "rust/Cargo.toml").read_text())
    assert cargo["package"]["name"] == VAD
    assert set(cargo["lib"]["crate-type"]) == {"cdylib", "rlib"}
    assert cargo["dependencies"] == {
        "flutter_rust_bridge": f"={PINS.frb}",
        "tvm_runtime_flutter": {"path": "../../tvm_runtime_flutter/rust"},
    }
    assert cargo["target"]['cfg(target_os = "macos")']["dependencies"] == {}
    assert cargo["features"] == {
        "default": ["fast", "golden"], "fast": [], "golden": ["tvm_runtime_flutter/golden"],
    }  # fmt: skip
    assert cargo["test"] == [{"name": "golden", "required-features": ["golden"]}]
    assert not (adopted(VAD).after / "rust/src/api.rs").exists(), "api/mod.rs is the author's"


def test_a_start_comes_only_where_the_author_has_nothing(adopted: Adoption) -> None:
    kokoro, g2p = adopted(KOKORO).after, adopted(G2P).after
    assert sorted(path.name for path in (kokoro / "example").rglob("*.*")) == [
        "main.dart", "pubspec.yaml",
    ]  # fmt: skip
    assert (kokoro / "rust/src/api.rs").exists()
    assert (kokoro / "model/export.py").exists()
    assert not (g2p / "test").exists()
    assert not (g2p / "LICENSE").exists(), "whose work it is, chooses its licence"
    assert not (g2p / "lib/g2p_flutter.dart").exists(), "its Dart API is lib/g2p.dart"
    assert (g2p / "example/lib/main.dart").exists()


def test_jnilibs_are_found_by_symbols_with_their_copies(adopted: Adoption) -> None:
    plugin = adopted(G2P)
    folder = "android/src/main/jniLibs"
    runtime = "libtvm4j_runtime_packed.so"
    abis = ("arm64-v8a", "armeabi-v7a", "x86_64")
    assert outcomes(plugin, "runtime") == {
        f"{folder}/{abi}/{runtime}:None": "removed" for abi in abis
    }
    copies = {each["file"]: each["what"] for each in plugin.told["findings"]
              if each["kind"] == "copy"}  # fmt: skip
    assert "with the same symbols" in copies[f"{folder}/armeabi-v7a/{runtime}"]
    assert "byte for byte" in copies[f"{folder}/x86_64/{runtime}"]
    assert (plugin.after / folder / "arm64-v8a/libg2p_words.so").exists()
    assert plugin.told["answers"]["prefix"]["value"] == "g2p_"
    assert plugin.told["answers"]["organisation"]["value"] == "org.example.speech"
    assert "-    flutter:" not in plugin.changed("pubspec.yaml")["diff"], "indented as it was"
    gradle = {each["line"] for each in plugin.told["findings"]
              if each["file"] == "android/build.gradle"}  # fmt: skip
    assert {13, 14, 15, 16, 17} <= gradle


def test_the_framework_goes_whole_and_the_asset_with_its_entry(adopted: Adoption) -> None:
    plugin = adopted(VAD)
    assert not (plugin.after / "macos").exists()
    pubspec = yaml.safe_load((plugin.after / "pubspec.yaml").read_text())
    assert "assets" not in pubspec["flutter"]
    assert pubspec["environment"] == {"sdk": "^3.12.1", "flutter": ">=3.44.2"}
    assert list(pubspec["dependencies"]) == [
        "flutter", "tvm_runtime_flutter", "flutter_rust_bridge",
    ]  # fmt: skip
    assert not (plugin.after / "rust_builder").exists()


def test_a_plugin_over_the_bridge_stays_so_with_the_pinned_version(adopted: Adoption) -> None:
    plugin = adopted(VAD)
    assert plugin.told["answers"]["bindings"]["value"] == "frb"
    pubspec = yaml.safe_load((plugin.after / "pubspec.yaml").read_text())
    assert pubspec["dependencies"]["flutter_rust_bridge"] == PINS.frb
    assert (plugin.after / "lib/src/bridge.dart").exists()
    assert "mod frb_generated;" in (plugin.after / "rust/src/lib.rs").read_text()
    assert "bindings" not in adopted(KOKORO).told["answers"]


def test_the_list_names_file_and_line_of_what_only_the_author_can_do(adopted: Adoption) -> None:
    places = {each["place"]: each for name in PLUGINS for each in adopted(name).told["by_hand"]}
    java = "android/src/main/java/org/example/speech/g2p/G2pPlugin.java"
    for place in (
        "model/export.py", "lib/kokoro_flutter.dart:5", "rust/src/model.rs:1",
        "rust/src/model.rs:4", "rust/src/lib.rs.before-adopt:1",
        "assets/ios/libkokoro_model.a", "ios/kokoro_flutter.podspec:11", "android/build.gradle:17",
        "android/src/main/AndroidManifest.xml:2", f"{java}:5", f"{java}:7", f"{java}:9",
        "flutter_rust_bridge.yaml", "lib/src/frb_generated.dart", "lib/vad_flutter.dart:3",
        "rust/src/api/simple.rs:3", "LICENSE",
        "linux/CMakeLists.txt:3", "pubspec.yaml", "pubspec.yaml:27",
    ):  # fmt: skip
        assert place in places, place
    assert "line 14" in places[f"{java}:7"]["what"], "its channel"
    for name in PLUGINS:
        text = (adopted(name).after / "ADOPT.md").read_text()
        for task in adopted(name).told["by_hand"]:
            assert f"- [ ] `{task['place']}`: {task['what']}. {task['do']}.\n" in text
        assert str(adopted(name).after.parent.parent) not in text, "a machine's path"


def test_data_takes_the_place_of_a_guess(template: Path, tmp_path: Path) -> None:
    plugins.write(tmp_path / G2P, PLUGINS[G2P])
    code, told = adopt(
        tmp_path / G2P, "--template", template, "--data", "prefix=phonemes_",
        "--data", "platforms=[android, linux]",
    )  # fmt: skip
    assert code == 15
    assert told["applied"] == [], "what lies in no repository can be looked at"
    changes = {each["file"]: each["diff"] for each in told["plugins"][0]["changes"]}
    assert "+prefix: phonemes_\n" in changes["tvm_plugin.yaml"]
    assert "linux/CMakeLists.txt" in changes
    removed = [each for each in told["plugins"][0]["changes"] if each["action"] == "removed"]
    assert {len(each["sha256"]) for each in removed} == {64}
    assert RUNTIME[0] in str(told["plugins"][0]["findings"])


def test_what_is_printed_has_every_change_and_writes_nothing(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plugins.write(tmp_path / KOKORO, PLUGINS[KOKORO])
    assert main(["adopt", str(folder), "--template", str(template)]) == 15
    told = capsys.readouterr()
    assert told.err == ""
    assert plugins.read(folder) == {
        path: content if isinstance(content, bytes) else content.encode()
        for path, content in PLUGINS[KOKORO].items()
    }
    lines = told.out.splitlines()
    assert "    edited    pubspec.yaml  uses the one runtime and the template's glue" in lines
    assert "+  tvm_runtime_flutter:" in lines
    assert '-tvm-ffi = "0.1.0-alpha.0"  # the runtime' in lines
    assert "    removed   cargokit/  7 files (--full names them)" in lines
    digest = sha256_bytes(PLUGINS[KOKORO]["assets/ios/libtvm_runtime.a"])
    removed = lines.index("    removed   assets/ios/libtvm_runtime.a  624 bytes")
    assert lines[removed + 1] == f"      sha256 {digest}"
    assert lines[-1] == "Nothing was written: the same command with --apply does that."
    said = [line for line in lines if not line.startswith(("+", "-", " ", "@"))]
    assert all(len(line) <= 80 and line == line.rstrip() for line in said)
