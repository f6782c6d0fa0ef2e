"""zig as cargo's linker, for real."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tvmplug.targets import TARGETS
from tvmplug.toolchains import rust


def test_zig_links_for_another_processor_and_its_map_is_written_whole(tmp_path: Path) -> None:
    target = TARGETS["linux-arm64"]
    (linker,) = rust.linker_variables(target, tmp_path).values()
    source, link_map = tmp_path / "f.c", tmp_path / "link.map"
    source.write_text("int answer(void) { return 42; }\n")
    command = [linker, "-shared", "-o", str(tmp_path / "libf.so"), str(source)]
    subprocess.run([*command, f"-Wl,-Map={link_map}", "-Wl,-O1"], check=True, cwd=tmp_path)
    assert "answer" in link_map.read_text()
    before = link_map.read_text()
    source.write_text("int broken(void) { return }\n")
    failed = subprocess.run(
        [*command, f"-Wl,-Map={link_map}"], check=False, cwd=tmp_path, capture_output=True
    )
    assert failed.returncode != 0
    assert link_map.read_text() == before
    assert not list(tmp_path.glob(".link.map*"))
