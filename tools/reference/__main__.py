"""`python -m tools.reference`: writes every generated page and schema."""

from __future__ import annotations

import sys

from tools.reference.pages import FOLDER, generated
from tvmplug import files


def main() -> int:
    """Write what is not as it must be."""
    for name, text in generated().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
