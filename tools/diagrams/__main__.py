"""`python -m tools.diagrams`: draws every diagram into docs/images/."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.diagrams.drawing import DARK, LIGHT, draw
from tools.diagrams.pictures import PICTURES
from tvmplug import files

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def drawn() -> dict[str, str]:
    """The text of every file by its name."""
    schemes = {"light": LIGHT, "dark": DARK}
    return {
        f"{name}-{scheme}.svg": draw(picture, palette)
        for name, picture in PICTURES.items()
        for scheme, palette in schemes.items()
    }


def main() -> int:
    """Write all of them."""
    for name, text in drawn().items():
        files.write_text(IMAGES / name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
