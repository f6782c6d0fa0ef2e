"""What `python -m benchmarks fleet` measures with: plugins that are behind, costs, a plot."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.fleet import Size, Way
from benchmarks.fleet_plot import markdown_table, svg_plot
from benchmarks.fleet_plugins import make_plugins
from benchmarks.usage import usage
from tests.templates.conftest import git
from tvmplug.fleet.config import read_fleet
from tvmplug.process import run


def size(projects: int, measured: int) -> Size:
    return Size(
        projects=projects,
        ways={
            "serial": Way(measured, 2.0 * measured, 2.0 * measured, 80),
            "xargs": Way(measured, 1.0 * measured, 2.4 * measured, 160),
            "fleet": Way(projects, 0.1 * projects, 0.2 * projects, 140),
        },
        same_trees=measured - 1,
        conflicts=1,
        refused=1,
        compared=measured,
    )


def test_a_ratio_is_of_times_for_one_project_so_that_a_part_can_stand_for_all():
    assert size(1000, 200).ratio("serial") == pytest.approx(20)
    assert size(1000, 200).ratio("xargs") == pytest.approx(10)


def test_the_table_says_what_follows_from_a_part():
    told = markdown_table([size(50, 50), size(1000, 200)])
    assert "| 50 | 100 s | 50.0 s | 5.0 s | 20.0 | 10.0 |" in told
    assert "| 1000 | about 2000 s | about 1000 s | 100 s | 20.0 | 10.0 |" in told
    assert "1000 projects: the loops were measured on 200 of them" in told
    assert "50 projects: 49 of 50 trees equal Copier's" in told


@pytest.mark.parametrize("sizes", [[size(10, 10)], [size(10, 10), size(1000, 200)]])
def test_the_plot_is_svg_that_needs_nothing(sizes):
    drawn = ElementTree.fromstring(svg_plot(sizes))  # noqa: S314 (made above)
    names = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert names.count("polyline") == 9  # three ways in three panels
    assert not {"image", "use", "script", "style"} & set(names)
    hollow = [each for each in drawn.iter() if each.get("fill") == "#ffffff" and each.get("r")]
    assert len(hollow) == (6 if len(sizes) == 2 else 0)


SPEND = """
import subprocess, sys, time
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "below"], check=True)
else:
    held = bytearray(b"x") * 60_000_000
    until = time.process_time() + 0.5
    while time.process_time() < until:
        pass
    time.sleep(0.5)
"""


def test_cost_and_memory_of_programs_below_a_program_are_counted(tmp_path: Path):
    script = tmp_path / "spend.py"
    script.write_text(SPEND)
    with usage(memory=True) as spent:
        run([sys.executable, script], echo=False)
    assert spent.cpu_s >= 0.5
    assert spent.wall_s >= 1.0
    assert spent.peak_mb >= 60
    with usage() as nothing:
        pass
    assert nothing.peak_mb == 0


@pytest.mark.slow
def test_the_plugins_are_clean_behind_and_edited(tmp_path: Path):
    plugins = make_plugins(tmp_path / "fleet", 3)
    assert git(plugins.template, "tag", "--list").split() == ["v0.1.0", "v0.2.0"]
    assert plugins.names == ("tvm_runtime_flutter", "g00_flutter", "g01_flutter")
    for name in plugins.names:
        answers = (plugins.folder / name / ".copier-answers.yml").read_text()
        assert "_commit: v0.1.0\n" in answers
        assert git(plugins.folder / name, "status", "--porcelain") == ""
    edited = git(plugins.folder / "g01_flutter", "show", "--name-only", "--format=").split()
    assert {"README.md", "rust/src/api.rs", ".gitignore", "docs/notes.md"} <= set(edited)
    fleet = read_fleet(plugins.write_fleet(2))
    assert [each.name for each in fleet.repositories] == ["tvm_runtime_flutter", "g00_flutter"]
