"""Every object once: proved over the maps of real linkers, and each way to get it wrong is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tvmplug.proof.linkmap import LinkedObject, LinkMap, read_link_map
from tvmplug.proof.once import Forced, Linked, Member, prove, prove_one_runtime, prove_prefixes

from .conftest import Workbench

REGISTERS = """
extern int keep_count;
__attribute__((constructor)) static void start(void) { keep_count++; }
"""
FUNCTIONS = Member("functions.o", registers=False)
START = Member("start.o", registers=True)
UNUSED = Member("unused.o", registers=False)


def _model(bench: Workbench) -> list[Path]:
    return [
        bench.compile("functions", "int keep_count; int keep_main(void) { return keep_count; }"),
        bench.compile("start", REGISTERS),
    ]


def _linked(bench: Workbench, name: str, whole: Sequence[Path], forced: Forced) -> Linked:
    return Linked(name, read_link_map(bench.link(name, whole)), (forced,))


def test_a_whole_archive_in_one_image_is_proved(bench: Workbench) -> None:
    archive = bench.archive("libmodel.a", _model(bench))
    forced = Forced("libmodel.a", (FUNCTIONS, START), complete=True)
    proof = prove([_linked(bench, "g2p_flutter", [archive], forced)])
    assert proof.problems == ()
    assert proof.objects == 2


def test_an_archive_on_demand_loses_its_constructors_and_that_is_found(bench: Workbench) -> None:
    objects = _model(bench)
    whole = bench.archive("libcalls.a", [
        bench.compile("calls", "int keep_main(void); int keep_call(void) { return keep_main(); }")
    ])  # fmt: skip
    archive = bench.archive("libmodel.a", objects)
    link_map = read_link_map(bench.link("g2p_flutter", [whole], [archive]))
    forced = Forced("libmodel.a", (FUNCTIONS, START), complete=True)
    proof = prove([Linked("g2p_flutter", link_map, (forced,))])
    assert [problem.what for problem in proof.problems] == [
        "g2p_flutter lacks start.o of libmodel.a: what it registers is lost"
    ]
    assert "--whole-archive" in proof.problems[0].mend
    assert proof.objects == 1


def test_an_archive_that_was_forgotten_is_found(bench: Workbench) -> None:
    other = bench.archive("libother.a", [bench.compile("o", "int keep_o(void) { return 1; }")])
    forced = Forced("libmodel.a", (FUNCTIONS, START), complete=True)
    proof = prove([_linked(bench, "g2p_flutter", [other], forced)])
    assert [problem.what for problem in proof.problems] == [
        "g2p_flutter lacks all objects of libmodel.a: what it registers is lost"
    ]


def test_the_runtime_may_drop_what_nothing_calls_but_no_constructor(bench: Workbench) -> None:
    unused = bench.compile("unused", "int unused(void) { return 3; }")
    archive = bench.archive("libtvm_runtime.a", [*_model(bench), unused])
    members = (FUNCTIONS, START, UNUSED)
    forced = Forced("libtvm_runtime.a", members, complete=False)
    proof = prove([_linked(bench, "tvm_runtime_flutter", [archive], forced)])
    assert proof.problems == ()
    assert proof.dropped == ("libtvm_runtime.a(unused.o)",)
    whole = Forced("libtvm_runtime.a", members, complete=True)
    refused = prove([_linked(bench, "tvm_runtime_flutter", [archive], whole)])
    assert "lacks unused.o of libtvm_runtime.a" in refused.problems[0].what


def test_a_second_runtime_in_a_model_is_found(bench: Workbench) -> None:
    archive = bench.archive("libtvm_runtime.a", _model(bench))
    forced = Forced("libtvm_runtime.a", (FUNCTIONS, START), complete=False)
    runtime = _linked(bench, "tvm_runtime_flutter", [archive], forced)
    copy = bench.archive("copy/libtvm_runtime.a", _model(bench))
    model = Linked("g2p_flutter", read_link_map(bench.link("g2p_flutter", [copy])), ())
    proof = prove([runtime, model])
    assert [problem.what for problem in proof.problems] == [
        "g2p_flutter holds functions.o, start.o of libtvm_runtime.a, "
        "which belongs to tvm_runtime_flutter"
    ]
    assert "out of the link of g2p_flutter" in proof.problems[0].mend


def test_one_archive_in_two_images_is_found_from_either_side(bench: Workbench) -> None:
    archive = bench.archive("libmodel.a", _model(bench))
    forced = Forced("libmodel.a", (FUNCTIONS, START), complete=True)
    proof = prove([_linked(bench, name, [archive], forced) for name in ("g2p", "vad")])
    assert [problem.what for problem in proof.problems] == [
        "libmodel.a is linked into g2p and into vad"
    ]


@pytest.mark.slow
def test_two_archives_of_one_name_in_one_image_are_found(
    make_bench: Callable[[str], Workbench],
) -> None:
    bench = make_bench("macos-arm64")
    start = [bench.compile("start", "int keep_n; " + REGISTERS.replace("extern int keep_count;", "")
             .replace("keep_count", "keep_n"))]  # fmt: skip
    again = [bench.compile("more", "static volatile int n; int keep_more(void) { return n++; }")]
    whole = [bench.archive("a/libmodel.a", start), bench.archive("b/libmodel.a", again)]
    forced = Forced("libmodel.a", (START,), complete=True)
    proof = prove([_linked(bench, "g2p_flutter", whole, forced)])
    assert [problem.what for problem in proof.problems] == [
        f"g2p_flutter holds two archives libmodel.a: {whole[0]} and {whole[1]}"
    ]


def test_an_object_that_is_in_an_image_twice_is_found_where_the_map_counts() -> None:
    start = LinkedObject("/plugins/libmodel.a", "start.o")
    forced = Forced("libmodel.a", (START,), complete=True)
    proof = prove([Linked("g2p_flutter", LinkMap((start, start), counts=True), (forced,))])
    assert [problem.what for problem in proof.problems] == [
        "libmodel.a(start.o) is in g2p_flutter 2 times"
    ]


def test_members_of_one_name_are_counted_not_confused() -> None:
    error = LinkedObject("/cache/libtvm_runtime.a", "error.cc.o")
    twin = Member("error.cc.o", registers=True)
    forced = Forced("libtvm_runtime.a", (twin, twin), complete=False)
    both = Linked("runtime", LinkMap((error, error), counts=True), (forced,))
    assert prove([both]).problems == ()
    assert prove([both]).objects == 2
    one = Linked("runtime", LinkMap((error,), counts=True), (forced,))
    assert "lacks error.cc.o of libtvm_runtime.a" in prove([one]).problems[0].what
    elf = Linked("runtime", LinkMap((error,)), (forced,))
    assert prove([elf]).problems == ()


RUNTIME = {"TVMFFIFunctionCall", "TVMBackendParallelLaunch"}


def test_one_runtime_serves_all_images() -> None:
    defined = {"tvm_runtime_flutter": RUNTIME, "g2p_flutter": {"g2p_model_open"}}
    assert prove_one_runtime(defined, {"g2p_flutter": {"TVMFFIFunctionCall", "memcpy"}}) == ()


def test_the_wheels_two_libraries_are_one_runtime() -> None:
    defined = {"libtvm_ffi.so": {"TVMFFIFunctionCall"}, "libtvm_runtime.so": {"TVMBackendX"}}
    assert prove_one_runtime(defined, {}) == ()


def test_two_runtimes_are_found_by_their_symbols() -> None:
    defined = {"tvm_runtime_flutter": RUNTIME, "vad_flutter": {*RUNTIME, "vad_model_open"}}
    (problem,) = prove_one_runtime(defined, {})
    assert "tvm_runtime_flutter and vad_flutter define TVM" in problem.what
    assert "Only tvm_runtime_flutter may hold the runtime" in problem.mend


def test_an_app_without_a_runtime_is_found() -> None:
    (problem,) = prove_one_runtime({"g2p_flutter": {"g2p_model_open"}}, {})
    assert "the app has no runtime" in problem.what


def test_a_function_that_the_runtime_does_not_have_is_named() -> None:
    (problem,) = prove_one_runtime({"runtime": RUNTIME}, {"g2p_flutter": {"TVMFFINewThing"}})
    assert problem.what == "g2p_flutter needs TVMFFINewThing, which the runtime does not have"
    assert "copier update" in problem.mend


def test_prefixes_that_can_name_one_symbol_are_found_pair_by_pair() -> None:
    assert prove_prefixes({"g2p_flutter": "g2p_", "vad_flutter": "vad_"}) == ()
    found = prove_prefixes({"a": "g2p_", "b": "g2p_encoder_", "c": "vad_", "d": "vad_"})
    assert [problem.what for problem in found] == [
        "b has the prefix g2p_encoder_, a has g2p_: they name the same symbols",
        "d has the prefix vad_, c has vad_: they name the same symbols",
    ]


def test_an_archive_that_is_named_twice_for_one_image_is_found() -> None:
    start = LinkedObject("/plugins/libmodel.a", "start.o")
    forced = Forced("libmodel.a", (START,), complete=True)
    proof = prove([Linked("g2p_flutter", LinkMap((start,)), (forced, forced))])
    assert [problem.what for problem in proof.problems] == [
        "libmodel.a is linked into g2p_flutter twice"
    ]
