"""The process: `python -m tvmplug` and the console script start here."""

from __future__ import annotations

import sys

from tvmplug.cli import main


def entry() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
