"""A fleet's update against a serial loop of `copier update`, and against one under `xargs -P 2`.

All three bring the same plugins, with the same edits of their authors, from one template version to
the next, in one run on one machine. Each runs the template's hook, which is told to do nothing:
what compilers do afterwards is the same for all.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from plumbum import local

from benchmarks.fleet_plot import markdown_table, svg_plot
from benchmarks.fleet_plugins import Plugins, make_plugins
from benchmarks.usage import Usage, usage
from tvmplug import files
from tvmplug.errors import FleetBehindError, ToolError
from tvmplug.output import progress, say, stdout
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "bench"
SIZES = (10, 50, 200, 1000)
JOBS = 2
# What each way may take for one size. A loop that would take longer is measured on a part of the
# fleet; the fleet's own update is always measured on all of it, in fewer rounds.
MINUTES = 10.0
_PROBE = 3
_FLEET_ROUNDS = 3
_MEMORY_SAMPLE = 10
_HOUR_S = 3600.0
_COPIER = (Path(sys.executable).with_name("copier"), "update", "--defaults", "--trust", "--quiet")
_BRANCH = "tvmplug/update"


@dataclass
class Way:
    """What one way of updating cost.

    Attributes:
        projects: How many plugins it was measured on; fewer than the fleet has when all of them
            would have taken too long.
        wall_s: Wall time for these.
        cpu_s: Processor time for these.
        peak_mb: The most memory of all processes, from a run of its own.
    """

    projects: int
    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0

    @property
    def each_s(self) -> float:
        """Wall time for one plugin."""
        return self.wall_s / self.projects


@dataclass
class Size:
    """All that was measured on a fleet of one size.

    Attributes:
        projects: How many plugins it has.
        ways: By name: serial, xargs, fleet.
        fleet_walls_s: The wall times of all rounds of the fleet; the way's own is their median.
        same_trees: How many updates of the fleet gave, byte for byte, the tree that Copier gave.
        conflicts: How many plugins Copier left with conflicts.
        refused: How many the fleet refused for a conflict.
        compared: How many plugins were compared.
    """

    projects: int
    ways: dict[str, Way] = field(default_factory=dict)
    fleet_walls_s: list[float] = field(default_factory=list)
    same_trees: int = 0
    conflicts: int = 0
    refused: int = 0
    compared: int = 0

    def ratio(self, way: str) -> float:
        """How many times faster the fleet is than another way."""
        return self.ways[way].each_s / self.ways["fleet"].each_s


def measure(sizes: Sequence[int] = SIZES, minutes: float = MINUTES) -> None:
    """Measure, print the table, and keep numbers, plot and table in `build/bench/`.

    Args:
        sizes: How many plugins the fleets have.
        minutes: What one loop over one size may take before it is measured on a part.
    """
    with tempfile.TemporaryDirectory(prefix="tvmplug-bench-") as name, _isolated(Path(name)):
        folder = Path(name)
        with progress(f"making {max(sizes)} plugins", every_line=False):
            plugins = make_plugins(folder / "fleet", max(sizes))
        each_s = _probe(plugins, folder)
        found = []
        for size in sorted(sizes):
            found.append(_measure_size(plugins, size, folder, minutes * 60, each_s))
            _keep(found)
    stdout.print(markdown_table(found), markup=False)
    say(f"Numbers, plot and table: {(RESULTS / 'fleet.json').relative_to(ROOT)}, .svg, .md")


def _measure_size(plugins: Plugins, size: int, folder: Path, limit_s: float, each_s: float) -> Size:
    """Measure the three ways on the first so many plugins, the fleet before, between and after."""
    found = Size(projects=size)
    sample = _spread(plugins.names[:size], int(limit_s / each_s))
    fleets: list[Usage] = []

    def fleet_round() -> None:
        with progress(f"{size} plugins: fleet, round {len(fleets) + 1}", every_line=False):
            fleets.append(_fleet(plugins, size))

    def another_fits() -> bool:
        spent_s = sum(each.wall_s for each in fleets)
        return len(fleets) < _FLEET_ROUNDS and spent_s + fleets[-1].wall_s <= limit_s

    fleet_round()
    with progress(f"{size} plugins: serial loop over {len(sample)}", every_line=False):
        serial = _serial(plugins, sample, folder)
    _compare(plugins, sample, found)
    _reset(plugins, sample)
    if another_fits():
        fleet_round()
    with progress(f"{size} plugins: xargs -P {JOBS} over {len(sample)}", every_line=False):
        xargs = _xargs(plugins, sample, folder)
    _reset(plugins, sample)
    while another_fits():
        fleet_round()
    few = sample[:_MEMORY_SAMPLE]
    with progress(f"{size} plugins: memory", every_line=False):
        peaks = {"fleet": _fleet(plugins, size, memory=True).peak_mb}
        peaks["serial"] = _serial(plugins, few, folder, memory=True).peak_mb
        _reset(plugins, few)
        peaks["xargs"] = _xargs(plugins, few, folder, memory=True).peak_mb
        _reset(plugins, few)
    found.fleet_walls_s = [spent.wall_s for spent in fleets]
    found.ways = {
        "serial": Way(len(sample), serial.wall_s, serial.cpu_s, peaks["serial"]),
        "xargs": Way(len(sample), xargs.wall_s, xargs.cpu_s, peaks["xargs"]),
        "fleet": Way(
            size,
            statistics.median(found.fleet_walls_s),
            statistics.median(spent.cpu_s for spent in fleets),
            peaks["fleet"],
        ),
    }
    return found


def _fleet(plugins: Plugins, size: int, *, memory: bool = False) -> Usage:
    """`tvmplug fleet update` as a whole, on plugins that have no branch for updates yet."""
    for name in plugins.names[:size]:
        folder = plugins.folder / name
        run(["git", "branch", "-D", _BRANCH], cwd=folder, echo=False, check=False)
        # Objects of an earlier round need no writing, which would make this one look cheaper.
        run(["git", "prune", "--expire=now"], cwd=folder, echo=False)
    fleet = plugins.write_fleet(size)
    command = [sys.executable, "-m", "tvmplug", "fleet", "update", "--jobs", str(JOBS), "--trust"]
    with usage(memory=memory) as spent:
        done = run([*command, "--fleet", fleet], timeout_s=_HOUR_S, echo=False, check=False)
    if done.returncode not in (0, FleetBehindError.exit_code):
        raise ToolError(f"fleet update failed with {done.returncode}: {done.stderr[-2000:]}")
    return spent


def _serial(plugins: Plugins, names: Sequence[str], folder: Path, *, memory: bool = False) -> Usage:
    """What people write first: for each plugin, `copier update`."""
    cache = {"COPIER_CACHE_DIR": str(folder / "cache" / "serial")}
    with usage(memory=memory) as spent:
        for name in names:
            run(_COPIER, cwd=plugins.folder / name, env=cache, echo=False)
    return spent


def _xargs(plugins: Plugins, names: Sequence[str], folder: Path, *, memory: bool = False) -> Usage:
    """The same for two at once; they must not share Copier's cache."""
    each = 'cd "$1" && COPIER_CACHE_DIR="$0/$1" exec "${@:2}"'
    command = ["xargs", "-0", "-P", str(JOBS), "-I{}", "bash", "-c", each]
    command += [str(folder / "cache" / "xargs"), "{}", *map(str, _COPIER)]
    with usage(memory=memory) as spent:
        run(
            command,
            cwd=plugins.folder,
            stdin="".join(f"{name}\0" for name in names),
            timeout_s=_HOUR_S,
            echo=False,
        )
    return spent


def _compare(plugins: Plugins, names: Sequence[str], found: Size) -> None:
    """Compare what the serial loop left in working trees with what the fleet put on branches."""
    for name in names:
        folder = plugins.folder / name
        unmerged = run(["git", "ls-files", "--unmerged"], cwd=folder, echo=False).stdout
        branch = f"refs/heads/{_BRANCH}^{{tree}}"
        made = run(
            ["git", "rev-parse", "--quiet", "--verify", branch], cwd=folder, echo=False, check=False
        )
        found.compared += 1
        found.conflicts += bool(unmerged)
        found.refused += made.returncode != 0
        if not unmerged:
            run(["git", "add", "--all"], cwd=folder, echo=False)
            tree = run(["git", "write-tree"], cwd=folder, echo=False).stdout
            found.same_trees += tree == made.stdout


def _reset(plugins: Plugins, names: Sequence[str]) -> None:
    """Put plugins back to what they were before `copier update`."""
    for name in names:
        run(["git", "reset", "--quiet", "--hard"], cwd=plugins.folder / name, echo=False)
        run(["git", "clean", "-fdxq"], cwd=plugins.folder / name, echo=False)


def _probe(plugins: Plugins, folder: Path) -> float:
    """About how long one plugin takes in the serial loop; warms the file cache as well."""
    few = plugins.names[1 : 1 + _PROBE]
    spent = _serial(plugins, few, folder)
    _reset(plugins, few)
    return spent.wall_s / len(few)


def _spread(names: Sequence[str], most: int) -> Sequence[str]:
    """Return at most so many names, evenly from all."""
    if len(names) <= most:
        return names
    count = max(1, most)
    return [names[number * len(names) // count] for number in range(count)]


def _keep(found: Sequence[Size]) -> None:
    """Write what was measured so far, so that a run that is stopped leaves something."""
    machine = {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "copier": version("copier"),
        "git": run(["git", "--version"], echo=False).stdout.split()[-1],
        "jobs": JOBS,
    }
    sizes = [
        {**asdict(size), "ratios": {way: size.ratio(way) for way in ("serial", "xargs")}}
        for size in found
    ]
    content = json.dumps({"machine": machine, "sizes": sizes}, indent=2) + "\n"
    files.write_text(RESULTS / "fleet.json", content)
    files.write_text(RESULTS / "fleet.svg", svg_plot(found))
    files.write_text(RESULTS / "fleet.md", markdown_table(found))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@contextmanager
def _isolated(folder: Path) -> Iterator[None]:
    """No configuration, settings or caches of the user's, in this process and below it."""
    config = folder / "gitconfig"
    config.write_text(
        "[user]\n  name = Bench\n  email = bench@example.com\n"
        '[init]\n  defaultBranch = main\n[protocol "file"]\n  allow = always\n'
    )
    (folder / "settings.yml").write_text("{}\n")
    variables = {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "COPIER_CACHE_DIR": str(folder / "cache"),
        "COPIER_SETTINGS_PATH": str(folder / "settings.yml"),
        "TVMPLUG_SKIP_HOOKS": "1",
    }
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        with local.env(**variables):  # Copier's own copy of the environment
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder / "fleet", ignore_errors=True)
