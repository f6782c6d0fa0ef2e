"""Methods of a model, called by name across the C interface."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(scenario: Any, probe: Any) -> Any:
    return scenario("values", probe)


def test_values_of_every_type_arrive(seen: Any) -> None:
    assert seen["everything"] == ('true 3 2.5 hé [0, 1] Tensor(float32, [1, 3]) [Some("a"), None]')


def test_values_of_every_type_come_back(seen: Any) -> None:
    assert seen["text"] == ["", "naïve", "a\0b"]
    assert seen["bytes"] == [255, 0]
    assert seen["nothing"] is None
    assert seen["list"] == [2, 4, 6, 8, 10, 12]
    assert seen["tensor"] == [[2, 2, 2], [2, 2, 2]]


def test_methods_are_described_with_their_types(seen: Any) -> None:
    described = {method["name"]: method for method in seen["described"]}
    types = [argument["type"] for argument in described["everything"]["arguments"]]
    assert types == ["bool", "int", "float", "string", "bytes", "tensor", "list<string?>"]
    assert described["everything"]["arguments"][3]["name"] == "text"
    assert described["scale_tensor"]["result"] == "tensor"
    assert described["nothing"]["result"] == "null"


def test_a_result_never_lies_in_memory_that_was_lent_for_the_call(seen: Any) -> None:
    starts = (0, 1, 16)
    assert seen["borrowed"] == [[float(start + i) for i in range(6)] for start in starts]


def test_a_tensor_cannot_be_written_while_a_result_is_a_view_of_it(seen: Any) -> None:
    assert seen["writable"] == [True, False, True]


def test_each_model_has_its_own_state(seen: Any) -> None:
    assert seen["state"] == [1, 2, 1]


def test_a_model_may_move_between_threads(scenario: Any, probe: Any) -> None:
    assert scenario("models_on_threads", probe) == [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def wrong(scenario: Any, probe: Any) -> Any:
    return scenario("wrong_methods", probe)


@pytest.mark.parametrize(
    ("case", "code", "message"),
    [
        ("unknown", 1, "there is no method named `nope`"),
        ("type", 13, "`text` takes string, but it was given int"),
        ("count", 13, "`count` takes 0 arguments, but it was given 1"),
        ("range", 13, "`whole` takes an int from -2147483648 to 2147483647"),
        ("own", 17, "too short"),
        ("deep", 16, "lists are nested more than 32 deep"),
    ],
)
def test_a_wrong_call_of_a_method_is_an_error(
    wrong: Any, case: str, code: int, message: str
) -> None:
    assert wrong[case]["code"] == code
    assert message in wrong[case]["message"]


def test_the_models_own_error_says_what_mends_it(wrong: Any) -> None:
    assert wrong["own"]["mend"] == "Do it differently"
    assert wrong["goes_on"] == 1


def test_a_panic_is_an_error_and_ends_that_model_only(scenario: Any, probe: Any) -> None:
    seen = scenario("panics", probe)
    first, later = seen["answer"]
    assert (first["code"], first["message"]) == (14, "the plugin panicked: boom")
    assert later["code"] == 14
    assert (seen["other"], seen["new"]) == (1, 1)
