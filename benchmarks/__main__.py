"""`make bench`: every measurement, or those that are named (`python -m benchmarks calls`)."""

from __future__ import annotations

import sys

from benchmarks import calls, models
from tvmplug.cli import report
from tvmplug.errors import TvmplugError

MEASUREMENTS = {"models": models.measure, "calls": calls.measure}


def main(names: list[str]) -> int:
    """Run the measurements with these names, or all."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; choose from {', '.join(MEASUREMENTS)}")
        return 2
    try:
        for name in names or MEASUREMENTS:
            MEASUREMENTS[name]()
    except TvmplugError as error:
        return report(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
