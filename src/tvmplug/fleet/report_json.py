"""A run's report as JSON, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tvmplug.fleet.records_json import outcome_to_json
from tvmplug.fleet.report import RepositoryReport, RunReport
from tvmplug.fleet.report_parts import groups


def to_json(report: RunReport) -> dict[str, Any]:
    """Return the report as what JSON can hold."""
    return {
        "run": report.run,
        "started": report.started.isoformat(timespec="seconds"),
        "is_done": report.is_done,
        "options": dict(report.options),
        "targets": dict(report.targets),
        "counts": report.counts,
        "reasons": {group.title: group.names for group in groups(report)},
        "repositories": [_entry_to_json(entry) for entry in report.repositories],
    }


def _entry_to_json(entry: RepositoryReport) -> dict[str, Any]:
    told: dict[str, Any] = {"name": entry.name, "state": entry.state, "attempts": entry.attempts}
    if entry.outcome is not None:
        outcome = outcome_to_json(entry.outcome)
        # The ledger's own number, and what `name` and `state` say already.
        for key in ("attempt", "name", "result"):
            del outcome[key]
        outcome["changes"] = [asdict(change) for change in entry.outcome.changes]
        told |= outcome
    return told | {"log": entry.log and str(entry.log), "log_tail": list(entry.tail)}
