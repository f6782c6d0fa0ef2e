"""Outcomes as JSON and back: what the ledger keeps, and what `fleet report` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tvmplug.errors import FleetError
from tvmplug.fleet.records import Change, Outcome, Reason, Result


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as what JSON can hold; `outcome_from_json` gives an equal one back.

    Args:
        outcome: What became of one attempt.

    Returns:
        One key for each attribute. A change is `[status, path, added, removed]`: an update of a
        hundred files in a thousand repositories has too many of them to repeat their names.
    """
    told: dict[str, Any] = {}
    for field in dataclasses.fields(Outcome):
        value = getattr(outcome, field.name)
        told[field.name] = list(value) if isinstance(value, tuple) else value
    told["result"] = outcome.result.value
    told["reason"] = None if outcome.reason is None else outcome.reason.value
    told["changes"] = [list(dataclasses.astuple(change)) for change in outcome.changes]
    told["seconds"] = dict(outcome.seconds)
    return told


def outcome_from_json(told: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `outcome_to_json` wrote.

    Args:
        told: The JSON object.

    Returns:
        The outcome.

    Raises:
        FleetError: It is not an outcome: a key is missing or unknown, or a value is of no use.
    """
    try:
        return Outcome(
            **{
                **told,
                "result": Result(told["result"]),
                "reason": None if told["reason"] is None else Reason(told["reason"]),
                "details": tuple(told["details"]),
                "notices": tuple(told["notices"]),
                "changes": tuple(_change(*parts) for parts in told["changes"]),
                "seconds": dict(told["seconds"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FleetError(
            f"not an outcome of a fleet's run: {error!r}",
            mend="It was written by another version of tvmplug; use that one, or start a new run",
        ) from error


def _change(status: str, path: str, added: int | None, removed: int | None) -> Change:
    return Change(status=status, path=path, added=added, removed=removed)
