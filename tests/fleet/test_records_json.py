"""Outcomes survive the ledger: what is read back is what was written."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug.errors import FleetError
from tvmplug.fleet.records import Change, Outcome, Reason, Result
from tvmplug.fleet.records_json import outcome_from_json, outcome_to_json

# git's paths are bytes; what is not UTF-8 arrives as lone surrogates, so they are part of the text.
texts = st.text(st.characters(), max_size=20)
maybe_text = st.none() | texts
counts = st.none() | st.integers(0, 10**9)
seconds = st.floats(0, 1e9, allow_nan=False)
changes = st.builds(
    Change, status=st.sampled_from("AMDT"), path=texts, added=counts, removed=counts
)
outcomes = st.builds(
    Outcome,
    attempt=st.integers(0),
    name=texts,
    result=st.sampled_from(Result),
    reason=st.none() | st.sampled_from(Reason),
    message=texts,
    mend=maybe_text,
    details=st.lists(texts, max_size=4).map(tuple),
    notices=st.lists(texts, max_size=4).map(tuple),
    commit=maybe_text,
    branch=maybe_text,
    from_version=maybe_text,
    to_version=maybe_text,
    changes=st.lists(changes, max_size=4).map(tuple),
    patch=maybe_text,
    seconds=st.dictionaries(texts, seconds, max_size=4),
    cpu_seconds=seconds,
)


@given(outcomes)
def test_an_outcome_survives_json(outcome):
    text = json.dumps(outcome_to_json(outcome))
    assert outcome_from_json(json.loads(text)) == outcome


def test_every_attribute_of_an_outcome_is_told():
    told = outcome_to_json(Outcome(attempt=1, name="g2p_flutter", result=Result.UPDATED))
    assert list(told) == [field.name for field in dataclasses.fields(Outcome)]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"result": "exploded"},
        {"changes": [["M", "pubspec.yaml"]]},
        {"details": None},
        {"colour": "red"},
    ],
)
def test_what_is_no_outcome_is_refused_with_a_mend(wrong):
    told = outcome_to_json(Outcome(attempt=1, name="g2p_flutter", result=Result.UPDATED))
    with pytest.raises(FleetError, match="not an outcome") as caught:
        outcome_from_json({**told, **wrong} if wrong else {})
    assert "another version of tvmplug" in caught.value.mend
