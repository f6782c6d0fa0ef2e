"""Makes cookiecutter.json from copier.yml: `make reference` after a change there.

tests/templates/test_cookiecutter.py compares both.
"""

from __future__ import annotations

from tools.toolchain import ROOT
from tvmplug import files
from tvmplug.cookiecutter_questions import cookiecutter_json

if __name__ == "__main__":
    files.write_text(ROOT / "cookiecutter.json", cookiecutter_json(ROOT))
