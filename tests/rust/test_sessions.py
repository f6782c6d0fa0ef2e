"""Sessions of real plugins, as a host sees them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def together(scenario: Any, probe: Any, starter: Any) -> Any:
    return scenario("two_plugins", probe, starter)


def test_two_plugins_compute_each_its_own_in_one_process(together: Any) -> None:
    assert together["in_turn"] == [2.0, 5.0] * 3
    assert together["wrong"] == []


def test_two_plugins_share_one_runtime(together: Any) -> None:
    assert len(together["runtimes"]) == 1
    assert len(together["ffis"]) == 1


def test_the_runtime_tells_its_version_and_who_holds_which_prefix(
    together: Any, pinned: dict[str, str]
) -> None:
    owners = {owner["prefix"]: owner for owner in together["owners"]}
    assert sorted(owners) == ["alpha_", "beta_"]
    assert owners["alpha_"]["library"].endswith("/libalpha_flutter.so")
    assert owners["alpha_"]["plugin"] == "alpha_flutter"
    versions = together["versions"]
    assert {name: versions[name] for name in pinned} == pinned
    assert versions["library"].endswith("/libtvm_ffi.so")


@pytest.fixture(scope="module")
def wrong(scenario: Any, probe: Any) -> Any:
    return scenario("wrong_calls", probe)


@pytest.mark.parametrize(
    ("case", "code", "message"),
    [
        ("component", 1, "there is no component named `nope`"),
        ("name", 1, "there is no input named `z`"),
        ("missing", 2, "input `y` is missing"),
        ("duplicate", 3, "input `x` is given twice"),
        ("dtype", 4, "`y` must be float32, but it is float64"),
        ("rank", 5, "`x` must have shape [1, n], but it has [3]: it must have 2 dimensions"),
        ("fixed", 5, "`x` must have shape [1, n], but it has [2, 3]: dimension 0 is 2"),
        ("inconsistent", 5, "`y` must have shape [1, n], but it has [1, 2]: n is 2, but 3 in `x`"),
        ("too long", 5, "n is 65, outside 1 to 64"),
        ("empty", 5, "n is 0, outside 1 to 64"),
        ("above", 6, "element 2 of `ids` is 10, outside the range 0..10"),
        ("below", 6, "element 0 of `ids` is -1, outside the range 0..10"),
        ("far", 6, "element 0 of `ids` is 4611686018427387904"),
        ("null", 16, "a null pointer to a tensor"),
    ],
)
def test_a_wrong_call_is_refused_before_tvm_sees_it(
    wrong: Any, case: str, code: int, message: str
) -> None:
    answer = wrong["answers"][case]
    assert answer["code"] == code
    assert message in answer["message"]
    assert answer["mend"]


def test_a_session_goes_on_after_wrong_calls(wrong: Any) -> None:
    assert wrong["rows"] == [[36, 37, 38, 39], [0, 1, 2, 3]]
    assert wrong["total"] == [6]


def test_an_unknown_component_lists_those_there_are(wrong: Any) -> None:
    assert wrong["answers"]["component"]["mend"].endswith("scale, join, embed, view")


def test_nan_and_infinity_do_no_harm(scenario: Any, probe: Any) -> None:
    assert scenario("not_numbers", probe) == ["nan", "inf", "-inf", "2.0", "4.0", "6.0"]


def test_tensors_are_neither_copied_in_nor_out(scenario: Any, probe: Any) -> None:
    seen = scenario("copies", probe)
    assert seen["aligned"]
    assert seen["same_memory"], "the view of an input lies elsewhere"
    assert seen["writable"] == [1, 0, 0]
    assert seen["chained"] == [[8, 12]]


def test_memory_stays_flat_over_many_calls(scenario: Any, probe: Any) -> None:
    warm, after = scenario("memory", probe, 2000)
    assert after - warm < 1024, f"{after - warm} KiB more after 2000 rounds"


def test_one_session_used_by_many_threads_says_that_it_is_busy(scenario: Any, probe: Any) -> None:
    assert set(scenario("busy", probe)) <= {0, 15}
