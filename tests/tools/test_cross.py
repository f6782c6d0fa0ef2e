"""Programs for AArch64 Linux are run for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import zig
from tools.cross import Cross
from tvmplug.errors import ProcessError

pytestmark = pytest.mark.slow

LIBRARY = """\
#include <stdexcept>
#include <string>

extern "C" int shout(int n) {
  try {
    if (n < 0) throw std::runtime_error(std::string(40, '-'));
  } catch (const std::exception& error) {
    return -static_cast<int>(std::string(error.what()).size());
  }
  return 2 * n;
}
"""
PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

int shout(int n);

int main(int argc, char** argv) {
  struct utsname machine;
  uname(&machine);
  printf("%s %d %d %s\\n", machine.machine, shout(21), shout(-1), getenv("GREETING"));
  return argc > 1 ? atoi(argv[1]) : 0;
}
"""


@pytest.fixture(scope="module")
def program(cross: Cross, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program and the C++ library it needs, for glibc 2.28 as TVM's wheels are."""
    folder = tmp_path_factory.mktemp("cross")
    (folder / "shout.cc").write_text(LIBRARY)
    (folder / "main.c").write_text(PROGRAM)
    triple = "aarch64-linux-gnu.2.28"
    library = ["-shared", "-fPIC", folder / "shout.cc", "-o", folder / "libshout.so"]
    zig.compile_with("c++", triple, library)
    needing = [folder / "main.c", f"-L{folder}", "-lshout", "-o", folder / "main"]
    zig.compile_with("cc", triple, needing)
    return folder / "main"


def test_a_program_and_its_library_run(cross: Cross, program: Path) -> None:
    done = cross.run([program], libraries=[program.parent], env={"GREETING": "hello, you"})
    assert done.stdout == "aarch64 42 -40 hello, you\n"


def test_a_failing_program_is_an_error(cross: Cross, program: Path) -> None:
    with pytest.raises(ProcessError, match="exit status 3") as raised:
        cross.run([program, "3"], libraries=[program.parent], env={"GREETING": "bye"})
    assert "aarch64 42 -40 bye" in raised.value.output


def test_a_missing_library_is_named(cross: Cross, program: Path, tmp_path: Path) -> None:
    moved = tmp_path / "main"
    moved.write_bytes(program.read_bytes())
    moved.chmod(0o755)
    done = cross.run([moved], check=False)
    assert done.returncode != 0
    assert "libshout.so" in done.stderr
