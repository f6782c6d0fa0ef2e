"""Dart's formatter, analyzer and pub, run on code with known mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.dart.sample import LIBRARY, PUBSPEC
from tools import checks, packages
from tools.toolchain import Toolchain
from tvmplug.errors import ProjectError

pytestmark = pytest.mark.slow


@pytest.fixture
def project(toolchain: Toolchain, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "pubspec.yaml").write_text(PUBSPEC)
    (folder / "lib/sample.dart").write_text(LIBRARY)
    packages.write_config(folder, toolchain)
    return folder


def test_unformatted_code_is_found(toolchain: Toolchain, project: Path) -> None:
    assert checks.format_check(toolchain, [project / "lib"]).ok
    ugly = project / "ugly"
    ugly.mkdir()
    (ugly / "ugly.dart").write_text("int  ugly=1 ;\n")
    found = checks.format_check(toolchain, [project / "lib", ugly])
    assert not found.ok
    assert "ugly.dart" in found.output
    assert (ugly / "ugly.dart").read_text() == "int  ugly=1 ;\n"


@pytest.mark.parametrize(
    ("mistake", "code"),
    [
        ("int wrong = 'text';", "invalid_assignment"),
        ("import 'dart:io';", "unused_import"),
        ("int get Info => 1;", "non_constant_identifier_names"),
    ],
)
def test_errors_warnings_and_infos_of_the_analyzer_all_count(
    toolchain: Toolchain, tmp_path: Path, mistake: str, code: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "pubspec.yaml").write_text(PUBSPEC)
    (tmp_path / "analysis_options.yaml").write_text(
        "linter:\n  rules:\n    - non_constant_identifier_names\n"
    )
    (tmp_path / "lib/sample.dart").write_text(LIBRARY)
    assert checks.analyze(toolchain, [tmp_path]).ok
    (tmp_path / "lib/sample.dart").write_text(f"{mistake}\n")
    found = checks.analyze(toolchain, [tmp_path], resolve=False)
    assert not found.ok
    assert code in found.output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ffi: ^2.1.0", "ffi: ^1.0.0", "ffi"),
        ("ffi: ^2.1.0", "never_heard_of: any", "never_heard_of"),
        ("sdk: ^3.8.0", "sdk: ^4.0.0", "SDK version"),
        ('flutter: ">=3.32.0"', 'flutter: ">=99.0.0"', "Flutter SDK"),
        ("name: sample", "name: not-a-name", "name"),
    ],
)
def test_pub_refuses_what_it_would_refuse_a_user(
    toolchain: Toolchain, tmp_path: Path, old: str, new: str, message: str
) -> None:
    (tmp_path / "pubspec.yaml").write_text(PUBSPEC.replace(old, new))
    with pytest.raises(ProjectError, match=message):
        packages.write_config(tmp_path, toolchain)
    assert not (tmp_path / ".dart_tool").exists()


def test_resolving_leaves_no_lock_file(toolchain: Toolchain, project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(project / "pubspec.yaml", other)
    packages.write_config(other, toolchain)
    assert sorted(path.name for path in other.iterdir()) == [".dart_tool", "pubspec.yaml"]


def test_a_package_can_be_taken_from_elsewhere(
    toolchain: Toolchain, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "pubspec.yaml").write_text(
        PUBSPEC.replace("name: sample", "name: user").replace(
            "ffi: ^2.1.0", "sample:\n    git: file:///nowhere"
        )
    )
    config = packages.write_config(tmp_path, toolchain, {"sample": project})
    assert f'"{project.as_uri()}"' in config.read_text()
