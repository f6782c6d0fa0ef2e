"""`tvmplug new`: the toolkit's own door to the templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug.cli import main
from tvmplug.manifest import Kind, read_manifest


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_new_makes_both_kinds(template: Path, tmp_path: Path) -> None:
    options = ["--defaults", "--quiet", "--template", str(template)]
    assert main(["new", "runtime", "tvm_runtime_flutter", *options]) == 0
    assert main(["new", "model", "g2p_flutter", *options, "--data", "components=[encoder]"]) == 0
    assert read_manifest(tmp_path / "tvm_runtime_flutter").kind is Kind.RUNTIME
    made = read_manifest(tmp_path / "g2p_flutter")
    assert made.name == "g2p_flutter"
    assert made.model is not None
    assert made.model.components == ("encoder",)


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["new", "model", "class"], "Dart keyword", 3),
        (["new", "model", "../up"], "no plugin name", 3),
        (["new", "runtime", "mine"], "every model plugin looks for tvm_runtime_flutter", 2),
        (["new", "model", "g2p_flutter", "--data", "prefix"], "Write it as KEY=VALUE", 2),
        (["new", "model", "g2p_flutter", "--defaults", "--data", "prefix=x"], "is malformed", 2),
        (["new", "model", "g2p_flutter", "--defaults", "--template", "nowhere"], "nowhere", 2),
    ],
)
def test_what_is_wrong_is_one_line(  # noqa: PLR0917 (fixtures)
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str, code: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("TVMPLUG_TEMPLATE", str(template))
    assert main(arguments) == code
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert told[0].startswith("error: ")
    assert says in told[0]
    assert "has no attribute" not in told[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_new_does_not_write_over_a_plugin(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "new",
        "model",
        "g2p_flutter",
        "--defaults",
        "--quiet",
        "--template",
        str(template),
    ]
    assert main(arguments) == 0
    (tmp_path / "g2p_flutter/README.md").write_text("mine")
    capsys.readouterr()
    assert main(arguments) == 5
    assert "copier update" in capsys.readouterr().err
    assert (tmp_path / "g2p_flutter/README.md").read_text() == "mine"
