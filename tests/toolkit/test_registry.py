"""The registry: what it refuses, what it keeps, and many writers at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tvmplug import registry
from tvmplug.errors import FileError, NamingError, RegistryError
from tvmplug.manifest import read_manifest

COMMENTED = """\
# Who holds which prefix.
version: 1

plugins:
  # the speech team
  kokoro_flutter: # since spring
    prefix: kokoro_
    owner: speech
  # the text team
  g2p_flutter: {prefix: g2p_}
  # end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tvm_plugins.yaml"
    file.write_text(COMMENTED)
    return file


def _prefixes(path: Path) -> dict[str, str]:
    return {entry.plugin: entry.prefix for entry in registry.read_registry(path).values()}


def test_a_new_plugin_comes_last_and_every_comment_stays(path: Path) -> None:
    assert registry.register(path, "vad_flutter", "vad_")
    text = path.read_text()
    assert list(_prefixes(path)) == ["kokoro_flutter", "g2p_flutter", "vad_flutter"]
    kept = [line for line in text.splitlines() if "vad" not in line]
    assert [line for line in COMMENTED.splitlines() if line in kept] == COMMENTED.splitlines()


def test_registering_the_same_again_does_not_touch_the_file(path: Path) -> None:
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    assert not registry.register(path, "g2p_flutter", "g2p_")
    assert path.stat().st_mtime_ns == before
    assert path.read_text() == COMMENTED


def test_a_plugin_may_move_to_another_free_prefix(path: Path) -> None:
    assert registry.register(path, "g2p_flutter", "phonemes_")
    assert _prefixes(path) == {"kokoro_flutter": "kokoro_", "g2p_flutter": "phonemes_"}


def test_moving_to_another_prefix_keeps_what_else_the_entry_says(path: Path) -> None:
    assert registry.register(path, "kokoro_flutter", "voice_")
    assert path.read_text() == COMMENTED.replace("prefix: kokoro_", "prefix: voice_")


@pytest.mark.parametrize("prefix", ["g2p_", "g2p_encoder_"])
def test_a_prefix_that_meets_anothers_is_refused_with_its_holder_and_line(
    path: Path, prefix: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        registry.register(path, "other_flutter", prefix)
    assert "g2p_flutter holds" in str(caught.value)
    assert f"{path}:10" in str(caught.value)
    assert path.read_text() == COMMENTED


def test_a_shorter_prefix_than_anothers_is_refused_too(path: Path) -> None:
    registry.register(path, "x_flutter", "sea_shore_")
    with pytest.raises(RegistryError, match="sea_shore_ begins with sea_"):
        registry.register(path, "y_flutter", "sea_")


def test_a_malformed_prefix_or_name_is_refused(path: Path) -> None:
    with pytest.raises(NamingError):
        registry.register(path, "vad_flutter", "TVM")
    with pytest.raises(NamingError):
        registry.register(path, "../vad", "vad_")
    assert path.read_text() == COMMENTED


def test_taking_a_plugin_out_leaves_the_others_comments(path: Path) -> None:
    registry.unregister(path, "kokoro_flutter")
    gone = {"  kokoro_flutter: # since spring", "    prefix: kokoro_", "    owner: speech"}
    assert path.read_text().splitlines() == [
        line for line in COMMENTED.splitlines() if line not in gone
    ]
    registry.unregister(path, "g2p_flutter")
    assert _prefixes(path) == {}
    assert registry.register(path, "vad_flutter", "vad_")
    assert _prefixes(path) == {"vad_flutter": "vad_"}


def test_taking_out_of_a_one_line_registry_works(tmp_path: Path) -> None:
    path = tmp_path / "tvm_plugins.yaml"
    path.write_text("version: 1\nplugins: {a_flutter: {prefix: a_}, b_flutter: {prefix: b_}}\n")
    registry.unregister(path, "a_flutter")
    assert _prefixes(path) == {"b_flutter": "b_"}


def test_taking_out_a_stranger_is_an_error(path: Path) -> None:
    with pytest.raises(RegistryError, match="vad_flutter is not in"):
        registry.unregister(path, "vad_flutter")


HEAD = "version: 1\nplugins:\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 1\nplugins: {\n", 3, "not YAML"),
        ("version: 1\n  plugins: x\n", 2, "not YAML"),
        ("- a\n", 1, "no mapping"),
        ("", 1, "no mapping"),
        ("version: 2\nplugins: {}\n", 1, "version is 2"),
        ("plugins: {}\n", 1, "version is None"),
        ("version: 1\nplugins: [a]\n", 2, "no mapping"),
        (HEAD + "  a_flutter: a_\n", 3, "'a_flutter' has no prefix"),
        (HEAD + "  a_flutter: {prefix: 3}\n", 3, "'a_flutter' has no prefix"),
        (HEAD + "  a_flutter: {prefix: A_}\n", 3, "'A_' is no prefix"),
        (HEAD + "  a_flutter: {prefix: tvm_}\n", 3, "reserved"),
        (HEAD + "  a-b: {prefix: ab_}\n", 3, "'a-b' is no plugin name"),
        (HEAD + "  a_x: {prefix: s_}\n\n  b_x: {prefix: s_}\n", 5, "a_x holds it (line 3)"),
        (HEAD + "  a_x: {prefix: s_}\n  b_x: {prefix: s_t_}\n", 4, "s_t_ begins with s_"),
        (HEAD + "  a_x: {prefix: s_}\n  a_x: {prefix: t_}\n", 4, "duplicate key"),
    ],
)
def test_a_wrong_edit_is_told_by_file_line_and_mend(
    path: Path, text: str, line: int, says: str
) -> None:
    path.write_text(text)
    with pytest.raises(RegistryError) as caught:
        registry.register(path, "vad_flutter", "vad_")
    assert says in str(caught.value)
    assert f"{path}:{line}:" in str(caught.value)
    assert caught.value.mend
    assert path.read_text() == text


def test_no_registry_and_a_registry_of_bytes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "none" / "tvm_plugins.yaml"
    with pytest.raises(RegistryError, match="no registry at"):
        registry.register(path, "vad_flutter", "vad_")
    assert not path.parent.exists()
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegistryError, match="not UTF-8"):
        registry.read_registry(path)


_REGISTER = """
import sys
from pathlib import Path
from tvmplug import registry
registry.register(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
"""


def _writer(path: Path, name: str, prefix: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _REGISTER, str(path), name, prefix],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_twenty_processes_that_write_at_once_all_get_in(path: Path) -> None:
    names = [f"model{chr(ord('a') + i)}" for i in range(20)]
    writers = [_writer(path, f"{name}_flutter", f"{name}_") for name in names]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == [""] * 20
    assert set(_prefixes(path)) == {
        "kokoro_flutter",
        "g2p_flutter",
        *(f"{name}_flutter" for name in names),
    }
    assert path.read_text().startswith("# Who holds which prefix.\n")


def test_of_processes_that_want_one_prefix_exactly_one_gets_it(path: Path) -> None:
    writers = [_writer(path, f"rival{c}_flutter", "wanted_") for c in "abcdefgh"]
    codes = [(writer.communicate(timeout=60), writer.returncode)[1] for writer in writers]
    assert sorted(codes)[0] == 0
    assert codes.count(0) == 1
    assert list(_prefixes(path).values()).count("wanted_") == 1


def test_a_writer_killed_at_any_moment_leaves_a_whole_registry(path: Path) -> None:
    for i in range(8):
        writer = _writer(path, f"victim{chr(ord('a') + i)}_flutter", f"victim{chr(ord('a') + i)}_")
        time.sleep(0.05 * i)
        writer.kill()
        writer.communicate(timeout=60)
        assert {"kokoro_flutter", "g2p_flutter"} <= set(_prefixes(path))
    assert registry.register(path, "vad_flutter", "vad_")


def test_a_folder_that_cannot_be_written_is_a_file_error(tmp_path: Path) -> None:
    # A file where the lock's folder should be: read-only folders do not stop root.
    folder = tmp_path / "runtime"
    folder.mkdir()
    path = folder / "tvm_plugins.yaml"
    path.write_text(COMMENTED)
    (folder / ".tvm_plugins.yaml.lock").mkdir()
    with pytest.raises(FileError):
        registry.register(path, "vad_flutter", "vad_")
    assert path.read_text() == COMMENTED


def test_the_registry_is_found_by_option_variable_and_manifest_in_that_order(
    model: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(model)
    assert registry.locate_registry(manifest) == runtime / "tvm_plugins.yaml"
    named = tmp_path / "named.yaml"
    monkeypatch.setenv("TVMPLUG_REGISTRY", str(named))
    assert registry.locate_registry(manifest) == named
    assert registry.locate_registry(manifest, runtime) == runtime / "tvm_plugins.yaml"


def test_a_runtime_plugin_elsewhere_has_no_registry_here(model: Path) -> None:
    manifest = model / "tvm_plugin.yaml"
    git = "{from: git, url: 'https://example.com/r.git', ref: v1}"
    text = manifest.read_text().replace("{from: path, path: ../tvm_runtime_flutter}", git)
    manifest.write_text(text)
    assert registry.locate_registry(read_manifest(model)) is None
