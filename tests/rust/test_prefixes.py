"""Two libraries with one prefix in one process: an error, never a mix-up."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

DOUBLED = [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]


@pytest.fixture(scope="module", params=["alpha_", "alpha_scale_"])
def rival(request: pytest.FixtureRequest, plugin_of: Any) -> Any:
    """Another library with the probe's prefix, and one whose prefix starts with it."""
    return plugin_of(f"{request.param}rival", request.param, 3.0)


def names_both(answer: Any, rival: Any) -> bool:
    return "libalpha_flutter.so" in answer["message"] and f"lib{rival.name}.so" in answer["message"]


def test_from_then_on_neither_library_opens_anything(scenario: Any, probe: Any, rival: Any) -> None:
    seen = scenario("taken", probe, rival)
    for who in ("first", "first_model", "second", "second_model"):
        assert seen[who]["code"] == 7, who
        assert names_both(seen[who], rival)
        assert "another prefix" in seen[who]["mend"]


def test_what_is_open_already_keeps_its_own_functions(
    scenario: Any, probe: Any, rival: Any
) -> None:
    seen = scenario("taken", probe, rival)
    assert seen["before"] == DOUBLED
    assert seen["running"] == DOUBLED
    assert seen["model"] == [2.0] * 6


def test_the_order_of_loading_makes_no_difference(scenario: Any, probe: Any, rival: Any) -> None:
    for first, second in ((probe, rival), (rival, probe)):
        answers = scenario("taken_before_use", first, second)
        assert [answer["code"] for answer in answers] == [7, 7]
        assert all(names_both(answer, rival) for answer in answers)


def test_a_copy_of_a_library_is_another_library(workshop: Any, scenario: Any, probe: Any) -> None:
    """Its functions are the same, but what they refer to lies elsewhere in memory."""
    library = workshop.build(probe)
    copy = library.with_name("libcopy.so")
    copy.write_bytes(library.read_bytes())
    answers = scenario("taken_before_use", probe, [str(copy), probe.prefix])
    assert [answer["code"] for answer in answers] == [7, 7]
    assert all("libcopy.so" in answer["message"] for answer in answers)


def test_one_library_opened_twice_is_no_conflict(scenario: Any, probe: Any) -> None:
    assert scenario("opened_again", probe) == {"values": [2.0, 2.0, 2.0], "owners": 1}
