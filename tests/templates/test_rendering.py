"""What the templates make, for every variant: it parses, it is formatted, it says who owns it."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml
from copier import run_copy

from tvmplug.manifest import Kind, RuntimeGit, RuntimeHosted, RuntimePath, read_manifest
from tvmplug.pins import PINS

from .matrix import QUESTIONS, choices, parameters, variants

TEMPLATE_OWNED = "Owned by the template: `copier update` may rewrite it, do not edit."
AUTHOR_OWNED = "Owned by you: written once, an update never touches it."
# Verbatim texts of others, in which nothing may be written.
NO_COMMENTS = re.compile(r"^LICENSE$|^third_party/.*/|\.json$")
VARIANTS = variants()


@pytest.fixture(params=parameters())
def plugin(request: pytest.FixtureRequest, rendered: Any) -> Path:
    return rendered(request.param)


def text_files(plugin: Path) -> dict[str, str]:
    return {
        path.relative_to(plugin).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(plugin.rglob("*"))
        if path.is_file()
    }


def test_every_structured_file_parses(plugin: Path) -> None:
    parsers = {
        ".yaml": yaml.safe_load, ".yml": yaml.safe_load, ".toml": tomlkit.parse,
        ".json": json.loads, ".py": ast.parse,
    }  # fmt: skip
    parsed = [
        parsers[Path(name).suffix](text)
        for name, text in text_files(plugin).items()
        if Path(name).suffix in parsers
    ]
    assert len(parsed) > 5


def test_every_file_says_who_owns_it(plugin: Path) -> None:
    silent = [
        name
        for name, text in text_files(plugin).items()
        if not NO_COMMENTS.search(name)
        and TEMPLATE_OWNED not in "\n".join(text.splitlines()[:2])
        and AUTHOR_OWNED not in "\n".join(text.splitlines()[:4])
    ]
    assert silent == []


@pytest.mark.parametrize("variant", ["runtime-MIT", "model-two-components"])
def test_a_second_render_keeps_exactly_what_the_author_owns(
    template: Path, rendered: Any, tmp_path: Path, variant: str
) -> None:
    texts = text_files(rendered(variant))
    texts.pop(".copier-answers.yml")
    for name in texts:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("edited\n")
    run_copy(
        str(template), tmp_path, data=VARIANTS[variant], defaults=True, unsafe=True,
        overwrite=True, quiet=True,
    )  # fmt: skip
    kept = {name for name in texts if (tmp_path / name).read_text() == "edited\n"}
    owned = {name for name, text in texts.items() if AUTHOR_OWNED in text}
    assert kept == owned | ({"LICENSE"} if variant.startswith("model") else set())


def test_nothing_of_the_template_language_is_left(plugin: Path) -> None:
    left = [
        name
        for name, text in text_files(plugin).items()
        if re.search(r"\{%|(?<!\$)\{\{ ", text) or text.count("\n\n\n\n")
    ]
    assert left == []


def test_lines_end_clean(plugin: Path) -> None:
    ragged = [
        name
        for name, text in text_files(plugin).items()
        if not name.startswith("third_party/")
        and (
            re.search(r"[ \t]+$", text, re.MULTILINE)
            or not text.endswith("\n")
            or text.endswith("\n\n")
        )
    ]
    assert ragged == []


def test_python_is_formatted_and_lint_free(plugin: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "."],
            cwd=plugin, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("rustfmt"), reason="skipped: no rustfmt")
def test_rust_is_formatted(plugin: Path) -> None:
    sources = sorted((plugin / "rust").rglob("*.rs"))
    done = subprocess.run(
        ["rustfmt", "--check", "--edition", "2024", "--config-path", plugin / "rust", *sources],
        cwd=plugin / "rust", check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifest_is_what_was_answered(rendered: Any) -> None:
    for variant, answers in VARIANTS.items():
        manifest = read_manifest(rendered(variant))
        assert manifest.kind is Kind(answers["kind"])
        assert (manifest.tvm, manifest.tvm_ffi) == (PINS.tvm, PINS.tvm_ffi)
        if manifest.model is None:
            assert manifest.name == "tvm_runtime_flutter"
            continue
        assert manifest.name == answers["plugin_name"]
        assert manifest.model.components == tuple(answers.get("components", ["model"]))
        expected = {"path": RuntimePath, "git": RuntimeGit, "hosted": RuntimeHosted}
        found = type(manifest.model.runtime)
        assert found is expected[answers.get("runtime_from", QUESTIONS["runtime_from"]["default"])]


def test_pub_and_cargo_find_the_runtime_plugin_at_one_place(rendered: Any) -> None:
    def requirements(origin: str) -> tuple[Any, Any]:
        plugin = rendered(f"model-{choices('source')[0]}-{origin}-{choices('license')[0]}")
        pubspec = yaml.safe_load((plugin / "pubspec.yaml").read_text())
        cargo = tomlkit.parse((plugin / "rust/Cargo.toml").read_text())
        return (
            pubspec["dependencies"]["tvm_runtime_flutter"],
            cargo["dependencies"]["tvm_runtime_flutter"],
        )

    pub, cargo = requirements("path")
    assert (pub["path"], cargo["path"]) == (
        "../tvm_runtime_flutter",
        "../../tvm_runtime_flutter/rust",
    )
    pub, cargo = requirements("git")
    assert pub["git"]["url"] == cargo["git"]
    assert pub["git"]["ref"] in {cargo.get("rev"), cargo.get("tag"), cargo.get("branch")}
    pub, cargo = requirements("hosted")
    assert pub == f"^{PINS.runtime_version}"
    version = cargo if isinstance(cargo, str) else cargo["version"]
    assert version.lstrip("^") == PINS.runtime_version


def test_flutter_bundles_each_plugin_as_an_ffi_plugin(plugin: Path) -> None:
    pubspec = yaml.safe_load((plugin / "pubspec.yaml").read_text())
    if "linux" not in pubspec["flutter"]["plugin"]["platforms"]:
        assert not (plugin / "linux").exists()
        return
    assert pubspec["flutter"]["plugin"]["platforms"]["linux"]["ffiPlugin"] is True
    cmake = (plugin / "linux/CMakeLists.txt").read_text()
    assert f"{pubspec['name']}_bundled_libraries" in cmake
    assert "tvmplug build" in cmake


def test_the_runtime_plugin_has_the_version_of_its_tvm(rendered: Any) -> None:
    pubspec = yaml.safe_load((rendered("runtime-MIT") / "pubspec.yaml").read_text())
    assert pubspec["version"] == PINS.runtime_version
    assert PINS.tvm.split(".")[:2] == PINS.runtime_version.split(".")[:2]


def test_tvms_licences_travel_with_its_binaries(rendered: Any) -> None:
    third_party = rendered("runtime-MIT") / "third_party"
    for name in ("tvm/LICENSE", "tvm/NOTICE", "tvm_ffi/LICENSE", "tvm_ffi/NOTICE"):
        assert (third_party / name).stat().st_size > 0
    assert "Apache TVM" in (third_party / "tvm/NOTICE").read_text()


def test_a_model_plugin_brings_nothing_of_tvm(rendered: Any) -> None:
    plugin = rendered("model-two-components")
    assert not list(plugin.rglob("third_party"))
    assert "libtvm" not in (plugin / "linux/CMakeLists.txt").read_text()


def test_requirements_have_hashes(rendered: Any) -> None:
    for source in choices("source"):
        plugin = rendered(f"model-{source}-{choices('runtime_from')[0]}-{choices('license')[0]}")
        lines = (plugin / "model/requirements.txt").read_text().replace("\\\n", " ").splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert all("==" in line and "--hash=sha256:" in line for line in wanted)
        assert bool(wanted) == (source != "relax")


@pytest.mark.skipif(not shutil.which("cmake"), reason="skipped: no cmake")
def test_cmake_says_how_to_build_what_is_not_staged(rendered: Any, tmp_path: Path) -> None:
    for variant in ("runtime-MIT", "model-two-components"):
        done = subprocess.run(
            ["cmake", "-S", rendered(variant) / "linux", "-B", tmp_path / variant],
            cwd=tmp_path, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode != 0
        assert "tvmplug build" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_copie_makes_both_kinds(copie: Any, template: Path, tmp_path: Path) -> None:
    for kind in choices("kind"):
        result = copie.copy(extra_answers={"kind": kind}, template_dir=template)
        assert result.exit_code == 0, result.exception
        assert result.answers["kind"] == kind
        assert (result.project_dir / "pubspec.yaml").is_file()
