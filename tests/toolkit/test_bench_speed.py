"""What `python -m benchmarks speed` makes of its measurements: ratios, means, tables, a plot."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.speed import results, ways
from benchmarks.speed.models import MODELS, Task, tasks
from benchmarks.speed.plot import svg_plot
from benchmarks.speed.plugins import Plugin
from benchmarks.speed.results import Cell, Roof, Run, Work
from benchmarks.speed.tables import Report, markdown

OURS = ways.OURS


def run(*latencies_s: float, error: float = 0.0) -> Run:
    return Run(0.1, 0.2, 0.3, list(latencies_s), 1.0, 30.0, 12.0, 9.0, {"lib.so": 5_000_000}, error)


def report(**ways_of_net: Cell) -> Report:
    made = Report(tasks=["net", "other"], ways=[OURS, "onnxruntime", "litert"], threads=[1, 2])
    made.cells = {("net", 1, way): cell for way, cell in ways_of_net.items()}
    made.work = {task: Work(flops=2_000_000, weight_bytes=4_000_000) for task in made.tasks}
    made.roofs = {1: Roof(flops=1e11, bytes=1e10)}
    made.plugins = {("net", OURS): Plugin("", (), 3.0, 9_000_000, 8_000_000, 100_000)}
    return made


def test_a_ratio_is_the_median_of_the_ratios_in_each_round():
    # The machine was ten times slower in the second round: that falls on both ways.
    ours = Cell([run(0.5), run(5.0), run(0.6)])
    other = Cell([run(1.0), run(10.0), run(1.0)])
    made = report(**{OURS: ours, "onnxruntime": other})
    assert results.ratio(made.cells, "net", 1, "onnxruntime") == pytest.approx(0.5)


def test_a_wrong_result_is_no_fast_one():
    ours = Cell([run(0.1, error=0.5)])
    made = report(**{OURS: ours, "onnxruntime": Cell([run(1.0)])})
    assert results.ratio(made.cells, "net", 1, "onnxruntime") is None
    told = markdown(made)
    assert "(wrong)" in told
    assert "| tvmplug | net (1 thread) | wrong results |" in told


def test_a_result_that_is_no_number_is_wrong():
    assert Cell([run(0.1, error=math.nan)]).wrong
    reference = np.ones((2, 2), np.float32)
    assert results.difference([np.array([1, 1, 1, np.nan], np.float32)], [reference]) == math.inf


def test_a_difference_is_a_share_of_the_largest_value_of_its_own_result():
    small, large = np.array([1e-3], np.float32), np.array([[100.0, -200.0]], np.float32)
    worse = [np.array([2e-3], np.float32), np.array([100.0, -200.0], np.float32)]
    assert results.difference(worse, [small, large]) == pytest.approx(1.0)
    assert results.difference([small, large.ravel()], [small, large]) == 0.0
    assert results.difference([small], [small, large]) == math.inf
    assert results.difference([small, large[:, :1]], [small, large]) == math.inf


def test_the_geometric_mean_weighs_half_and_double_alike():
    assert results.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert results.geometric_mean([]) is None


def test_the_percentile_is_one_of_the_values():
    values = [float(n) for n in range(1, 101)]
    assert results.percentile(values, 0.95) == 95.0
    assert results.percentile([3.0], 0.95) == 3.0


def test_the_roof_is_the_lower_of_arithmetic_and_bandwidth():
    work, roof = Work(flops=1_000_000, weight_bytes=10_000_000), Roof(flops=1e9, bytes=1e9)
    shares = results.achieved(Cell([run(0.02)]), work, roof)
    assert shares["flops"] == pytest.approx(0.05)
    assert shares["bytes"] == shares["roof"] == pytest.approx(0.5)


def test_the_tables_say_what_cannot_run_and_why():
    cells = {OURS: Cell([run(0.5)]), "onnxruntime": Cell([run(1.0)])}
    told = markdown(report(**cells, litert=Cell(problem="no | such op")))
    assert "| onnxruntime | 0.50 | 0.50 (net) | 1 | - | - | 0 |" in told
    assert "| litert | net (1 thread) | no \\| such op |" in told
    assert "| net | 500.00 ms (500.00 ms) | 1.00 s (1.00 s) | - |" in told
    assert "| net | 12.0, 9.0 MB (30.0 MB) | 12.0, 9.0 MB (30.0 MB) | - |" in told


def test_the_plot_is_svg_that_needs_nothing():
    cells = {OURS: Cell([run(0.5)]), "onnxruntime": Cell([run(1.0)])}
    drawn = ElementTree.fromstring(svg_plot(report(**cells)))  # noqa: S314 (made above)
    names = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert names.count("circle") == 2 + 2  # the legend; the component and the mean
    ticks = [element.text for element in drawn.iter() if element.get("text-anchor") == "middle"]
    assert ticks == ["1/4", "1/2", "1", "2", "4"] * 2
    assert not {"image", "use", "script", "style"} & set(names)


def test_prefixes_and_names_of_the_models_can_live_in_one_app():
    prefixes = [model.prefix for model in MODELS]
    assert not [(a, b) for a in prefixes for b in prefixes if a != b and b.startswith(a)]
    names = [task.name for task in tasks(MODELS)]
    assert len(set(names)) == len(names) >= 6
    assert Task(MODELS[0], "encoder").name == "g2p encoder"
