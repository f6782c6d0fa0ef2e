"""The page of the exit codes, from the tree of errors."""

from __future__ import annotations

import inspect

from tools.reference.markdown import code, joined, table, top
from tvmplug import cli, errors
from tvmplug.errors import TvmplugError, error_families

_INTRODUCTION = """
An error is one line on stderr: what is wrong, where, and what mends it. The exit code tells its
family. With `--json` the error is printed to stdout too, as `{"error": {"kind", "message",
"mend", "exit_code"}}`; `kind` is one of these names, or of one more exact with the same code.
"""


def page() -> str:
    """The page's text."""
    # Other modules have finer ones with the same codes.
    found = [each for each in error_families().values() if each.__module__ == errors.__name__]
    families = sorted(found, key=lambda each: (each.exit_code, len(each.__mro__)))
    rows = [("0", "", "Done.")]
    for family in families:
        what = (inspect.getdoc(family) or "").splitlines()[0]
        if family is TvmplugError:
            what = "Something else went wrong."
        rows.append((str(family.exit_code), code(family.__name__), what))
    rows.append((str(cli.INTERRUPTED), "", "Interrupted."))
    parts = [
        top("Exit codes", "`src/tvmplug/errors.py`"),
        _INTRODUCTION,
        table(("code", "kind", "meaning"), rows),
    ]
    return joined(parts)
