"""What happens to tests whose tools cannot be had."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("test_ruby.py::test_the_recorder_itself_has_no_warning", "no Ruby: no apt-get"),
        (
            "test_kotlin.py::test_a_file_that_ktlint_would_pass_over_is_an_error",
            "no Kotlin compiler: no npm",
        ),
    ],
)
def test_tests_are_skipped_with_the_reason_and_never_on_ci(
    tmp_path: Path, test: str, reason: str, required: str, outcome: str
) -> None:
    # Copier, which a plugin of pytest imports, looks for git.
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
         f"--basetemp={tmp_path / 'base'}", f"tests/tools/{test}"],
        cwd=REPOSITORY, check=False, capture_output=True, text=True,
        env={"PATH": str(tmp_path), "TVMPLUG_TOOLCHAIN_DIR": str(tmp_path / "roots"),
             "TVMPLUG_REQUIRE_PHONES": required, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert outcome in done.stdout, done.stderr
    assert f"{reason} on this machine" in done.stdout
    assert (done.returncode == 0) == (required == "")
