"""Which tile wins, by made-up times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug.compiler.cpu.choices import Choice
from tvmplug.compiler.cpu.isa import Tile
from tvmplug.compiler.tuning.deciding import Verdict, finalists, ratio_of, verdict

NOW, SLOW, FAST, LUCKY = (Choice(Tile(rows, 1)) for rows in range(1, 5))


def test_a_faster_tile_wins() -> None:
    times = {NOW: [10.0] * 5, SLOW: [12.0] * 5, FAST: [8.0] * 5}
    assert verdict(times, NOW) == Verdict(FAST, pytest.approx(0.8))


def test_a_small_gain_is_no_reason_to_change() -> None:
    assert verdict({NOW: [100.0] * 5, FAST: [98.0] * 5}, NOW) == Verdict(NOW, 1.0)


def test_what_disturbs_the_machine_for_some_rounds_falls_on_all() -> None:
    mood = [1.0, 1.0, 5.0, 7.0, 1.0, 3.0, 1.0]
    times = {NOW: [10 * each for each in mood], FAST: [9 * each for each in mood]}
    assert verdict(times, NOW) == Verdict(FAST, pytest.approx(0.9))


def test_gains_in_some_rounds_alone_do_not_count() -> None:
    times = {NOW: [10.0] * 8, LUCKY: [9.0, 9.0, 9.0, 9.0, 9.0, 11.0, 11.0, 11.0]}
    assert verdict(times, NOW) == Verdict(NOW, 1.0)


def test_the_final_has_the_fastest_three_and_those_that_must_be_there() -> None:
    times = {Choice(Tile(rows, 1)): [float(rows)] * 3 for rows in range(1, 9)}
    last = Choice(Tile(8, 1))
    assert finalists(times, [last, NOW]) == [last, NOW, SLOW, FAST]


ROUNDS = st.lists(st.floats(1e-6, 1.0), min_size=11, max_size=11)


@given(times=st.fixed_dictionaries({NOW: ROUNDS, SLOW: ROUNDS, FAST: ROUNDS}))
def test_no_change_makes_a_kernel_slower(times: dict[Choice, list[float]]) -> None:
    found = verdict(times, NOW)
    assert found.choice == NOW or found.ratio < 0.97
    if found.choice != NOW:
        assert ratio_of(times, found.choice, NOW) == found.ratio
    assert all(found.ratio <= 1 for _ in times)
