"""Link maps of real linkers, read back: which objects are in an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tvmplug.errors import ArtifactError
from tvmplug.proof.linkmap import LinkMap, parse_link_map, read_link_map

from .conftest import Workbench

REGISTERS = """
static volatile int state;
int registered(void) { return state; }
__attribute__((constructor)) static void start(void) { state = 7; }
"""


def _names(link_map: LinkMap) -> set[str]:
    return {str(found) for found in link_map.objects}


def test_a_map_names_each_object_that_is_in_the_image(bench: Workbench) -> None:
    whole = bench.archive("libwhole.a", [
        bench.compile("used", "int keep_used(void) { return 1; }"),
        bench.compile("registers", REGISTERS),
    ])  # fmt: skip
    found = read_link_map(bench.link("image", [whole]))
    assert _names(found) == {"libwhole.a(used.o)", "libwhole.a(registers.o)"}
    assert {item.archive for item in found.objects} == {str(whole)}


def test_an_object_that_the_linker_dropped_is_not_in_the_image(bench: Workbench) -> None:
    whole = bench.archive("libwhole.a", [
        bench.compile("used", "int keep_used(void) { return 1; }"),
        bench.compile("idle", "int idle(void) { return 2; }"),
    ])  # fmt: skip
    found = read_link_map(bench.link("image", [whole]))
    assert _names(found) == {"libwhole.a(used.o)"}


def test_an_archive_on_demand_gives_only_what_is_called(bench: Workbench) -> None:
    first = bench.compile("first", "int second(void); int keep_first(void) { return second(); }")
    whole = bench.archive("libwhole.a", [first])
    other = bench.archive("lib other.a", [
        bench.compile("second", "int second(void) { return 2; }"),
        bench.compile("registers", REGISTERS),
    ])  # fmt: skip
    found = read_link_map(bench.link("image", [whole], [other]))
    assert _names(found) == {"libwhole.a(first.o)", "lib other.a(second.o)"}


@pytest.mark.slow
def test_apple_counts_an_object_that_is_linked_twice(
    make_bench: Callable[[str], Workbench],
) -> None:
    bench = make_bench("macos-arm64")
    registers = bench.compile(
        "registers",
        "static volatile int n; __attribute__((constructor)) static void start(void) { n++; }",
    )
    once = bench.archive("once/libmodel.a", [registers])
    again = bench.archive("again/libmodel.a", [registers])
    found = read_link_map(bench.link("image", [once, again]))
    assert found.counts
    assert [str(item) for item in found.objects] == ["libmodel.a(registers.o)"] * 2


# Xcode is not on this machine: this is the form of the maps that its linkers write.
APPLE = """\
# Path: build/g2p_flutter_model
# Arch: arm64
# Object files:
[  0] linker synthesized
[  1] /plugins/build/libg2p_flutter_system_lib.a[2](lib0.o)
[  2] /plugins/build/libg2p_flutter.a[arm64][14](api.o)
[  3] /sdk/usr/lib/libSystem.tbd
[  4] /plugins/build/libg2p_flutter.a[arm64][15](gone.o)
# Sections:
# Address	Size    	Segment	Section
0x00004000	0x00000010	__TEXT	__text
# Symbols:
# Address	Size    	File  Name
0x00004000	0x00000008	[  1] ___tvm_ffi_g2p_model_main
0x00004008	0x00000008	[  2] _g2p_model_open

# Dead Stripped Symbols:
#        	Size    	File  Name
<<dead>> 	0x00000008	[  4] _gone
"""


def test_the_members_that_apples_linker_counts_are_named_plainly() -> None:
    found = parse_link_map(APPLE, "link.map")
    assert _names(found) == {"libg2p_flutter_system_lib.a(lib0.o)", "libg2p_flutter.a(api.o)"}
    assert [str(item) for item in found.dropped] == ["libg2p_flutter.a(gone.o)"]
    assert found.objects[0].archive == "/plugins/build/libg2p_flutter_system_lib.a"


@pytest.mark.parametrize("text", ["", "ld: warning\n", "# Path: x\n# Object files:\n"])
def test_what_is_no_map_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "link.map"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"link\.map") as refused:
        read_link_map(path)
    assert "tvmplug build" in str(refused.value)
