"""`make bench`: every measurement, or those that are named (`python -m benchmarks calls`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import calls, fleet, models
from benchmarks.speed import measure as speed
from tvmplug.cli import report
from tvmplug.errors import TvmplugError


def main(argv: Sequence[str]) -> int:
    """Run the measurements with these names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models, calls, speed or fleet")
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=fleet.SIZES,
        metavar="N,N",
        help="how many plugins the fleets have (default: 10,50,200,1000)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=fleet.MINUTES,
        help="what one loop over a fleet may take before a part of it is measured (default: 10)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=(),
        metavar="NAME",
        help="of speed: the models to measure (default: all)",
    )
    parser.add_argument(
        "--ways",
        nargs="+",
        default=(),
        metavar="NAME",
        help="of speed: what to hold tvmplug's plugins against (default: everything)",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=speed.ROUNDS,
        metavar="N",
        help=f"of speed: how often each process is run (default: {speed.ROUNDS})",
    )
    args = parser.parse_args(argv)
    measurements: dict[str, Callable[[], None]] = {
        "models": models.measure,
        "calls": calls.measure,
        "speed": lambda: speed.measure(args.models, args.ways, args.rounds),
        "fleet": lambda: fleet.measure(args.sizes, args.minutes),
    }
    unknown = [name for name in args.names if name not in measurements]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; choose from {', '.join(measurements)}")
        return 2
    try:
        for name in args.names or measurements:
            measurements[name]()
    except TvmplugError as error:
        return report(error)
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' are no numbers above 1: 10,50")
    return sizes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
