from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tvmplug.compiler.loading import load_export
from tvmplug.errors import ExportError

WHOLE = """
from tvmplug.export import Component
def export():
    return [Component(name="encoder", module=object())]
"""


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "export.py"
    path.write_text(text)
    return path


def test_components_are_returned(tmp_path: Path) -> None:
    assert [c.name for c in load_export(script(tmp_path, WHOLE))] == ["encoder"]


def test_neighbours_can_be_imported_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "layers_of_mine.py").write_text("NAME = 'decoder'")
    path = script(tmp_path, WHOLE.replace('"encoder"', "__import__('layers_of_mine').NAME"))
    before = list(sys.path)

    assert [c.name for c in load_export(path)] == ["decoder"]

    assert sys.path == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.py", "layers_of_mine.py"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "def export():\n    x = 1\n    return 1 / 0\n",
            r"export\.py:3: ZeroDivisionError: division",
        ),
        ("import no_such_package\n", r"export\.py:1: ModuleNotFoundError: .*requirements\.txt"),
        ("def export(:\n", r"export\.py:1: SyntaxError"),
        ("import sys\nsys.exit(0)\n", r"export\.py:2: SystemExit: 0"),
        ("x = 1\n", r"export\.py defines no function `export`"),
        ("export = 3\n", r"export\.py defines no function `export`"),
        ("def export():\n    return None\n", r"export\(\) returned None, not a list"),
        ("def export():\n    return {}\n", r"returned a value of type dict, not a list"),
        ("def export():\n    return ['x']\n", r"a value of type str at position 0"),
        ("import json\ndef export():\n    json.loads('{')\n", r"export\.py:3: JSONDecodeError"),
    ],
)
def test_a_script_that_fails_is_one_line_with_its_place(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ExportError, match=reason) as caught:
        load_export(script(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_error_in_a_neighbour_names_the_neighbour(tmp_path: Path) -> None:
    (tmp_path / "broken_neighbour.py").write_text("def f():\n    raise KeyError('w')\n")
    path = script(tmp_path, "from broken_neighbour import f\ndef export():\n    f()\n")
    with pytest.raises(ExportError, match=r"broken_neighbour\.py:2: KeyError: 'w'"):
        load_export(path)


def test_a_missing_script_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"there is no export script .*export\.py"):
        load_export(tmp_path / "export.py")
