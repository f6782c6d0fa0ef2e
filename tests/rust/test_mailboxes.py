"""Mailboxes: what an isolate of Dart holds, by numbers that never crash."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(scenario: Any, probe: Any) -> Any:
    return scenario("mailboxes", probe)


def test_holders_share_one_model(seen: Any) -> None:
    assert seen["first"] == [1, 2]
    assert seen["alone"] == 3


def test_tensors_travel_by_ticket_and_results_may_be_passed_again(seen: Any) -> None:
    assert seen["scaled"] == [[2, 2, 2], [2, 2, 2]]
    assert seen["again"] == [[4, 4, 4], [4, 4, 4]]
    assert seen["text"] == "naïve"


def test_a_component_takes_names_and_tensors_in_any_order(seen: Any) -> None:
    assert seen["joined"] == [[[4, 6]], [3]]


def test_a_ticket_goes_with_its_mailbox_unless_it_is_kept(seen: Any) -> None:
    assert seen["kept"] == seen["joined"][0]
    assert seen["gone"] == 16


def test_nothing_is_left_when_the_last_holder_lets_go(seen: Any) -> None:
    assert (seen["during"]["holders"], seen["during"]["tensors"]) == (2, 4)
    assert seen["left"] == [0, 1, 0]
    assert seen["end"] == [0, 0, 0]


@pytest.fixture(scope="module")
def wrong(scenario: Any, probe: Any) -> Any:
    return scenario("wrong_numbers", probe)


@pytest.mark.parametrize(
    ("case", "code", "message"),
    [
        ("reopened", 16, "cannot be the number of a new holder"),
        ("zero", 16, "0 cannot be the number"),
        ("join", 16, "1000000 holds no mailbox"),
        ("unknown", 16, "1000000 holds no mailbox"),
        ("put", 16, "1000000 holds no mailbox"),
        ("view", 16, "no tensor under the ticket 1000000"),
        ("not started", 16, "the mailbox was not started"),
        ("no component", 1, "there is no component named `nope`"),
        ("foreign keep", 16, "does not go with the mailbox"),
        ("started twice", 16, "the mailbox was started before"),
        ("ticket", 16, "no tensor under the ticket 1000000"),
        ("freed", 16, "no tensor under the ticket"),
        ("method", 1, "there is no method named `nope`"),
        ("panic", 14, "the plugin panicked: boom"),
        ("after panic", 14, "in an earlier call"),
        ("model", 16, "a ticket without a mailbox"),
    ],
)
def test_a_number_that_means_nothing_is_an_error(
    wrong: Any, case: str, code: int, message: str
) -> None:
    assert wrong["answers"][case]["code"] == code
    assert message in wrong["answers"][case]["message"]


def test_freeing_what_is_not_there_is_nothing_to_do(wrong: Any) -> None:
    assert wrong["left"] == [0, 0, 0]


def test_scratch_memory_is_the_holders_own(scenario: Any, probe: Any) -> None:
    seen = scenario("scratch", probe)
    assert seen["aligned"] == [0, 0, 0]
    assert seen["own"]
    assert seen["given_back"] > 50_000
    assert seen["refused"] == [0, 0]


def test_calls_wait_in_line_for_one_thread_and_outlive_the_first_holder(
    scenario: Any, probe: Any
) -> None:
    """One thread, whoever calls: TVM keeps a pool of workers for each thread that calls it."""
    seen = scenario("mailbox_threads", probe)
    assert seen == {"in_turn": True, "threads": 1, "left": [0, 0, 0]}


def test_a_component_without_parallel_kernels_runs_on_the_thread_that_calls(
    scenario: Any, probe: Any
) -> None:
    seen = scenario("mailbox_components", probe)
    assert seen == {"scale": 0, "join": 2, "y": [[2.0] * 3] * 2, "left": [0, 0, 0]}


def test_a_models_kernels_have_as_many_threads_as_the_environment_says(
    scenario: Any, probe: Any
) -> None:
    for count in (1, 3):
        seen = scenario("mailbox_cores", probe, count, None)
        assert len(seen["threads"]) == count
        # Each may use all cores that were chosen, and no other.
        chosen = seen["threads"][0]
        assert seen["threads"] == [chosen] * count
        assert len(chosen) == min(count, len(seen["allowed"]))


def test_a_models_threads_stay_on_cores_that_the_process_may_use(scenario: Any, probe: Any) -> None:
    one = max(os.sched_getaffinity(0))
    seen = scenario("mailbox_cores", probe, None, [one])
    assert seen == {"threads": [[one]], "allowed": [one]}


def test_memory_stays_flat_over_many_mailboxes(scenario: Any, probe: Any) -> None:
    seen = scenario("mailbox_memory", probe, 2000)
    assert seen["left"] == [0, 0, 0]
    before, after = seen["sizes"]
    assert after < before * 1.1
