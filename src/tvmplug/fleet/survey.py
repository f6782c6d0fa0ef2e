"""Looks at the whole fleet before an update: what each repository needs, and what binds them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tvmplug.errors import FleetError, TvmplugError
from tvmplug.fleet.config import Fleet, names_source
from tvmplug.fleet.facts import Facts, look_all
from tvmplug.fleet.plan import (
    Draft,
    Options,
    Relation,
    at_start,
    decide,
    hindrance,
    relation,
    skipped,
)
from tvmplug.fleet.records import Checkout, Outcome, Reason
from tvmplug.fleet.templates import TemplateStore


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What an update starts from.

    Attributes:
        decided: Outcomes of repositories for which there is nothing to do, or that must wait.
        drafts: Those that need an update, the runtime plugin not yet first.
        prefixes: Prefix by the repository's name, of every model plugin of the whole fleet.
        tvm: The TVM that the runtime plugin is at; None when the fleet has none.
        targets: The template version to go to, by source.
    """

    decided: tuple[Outcome, ...]
    drafts: tuple[Draft, ...]
    prefixes: Mapping[str, str]
    tvm: str | None
    targets: Mapping[str, Checkout]


class _Start(NamedTuple):
    """A repository that nothing hinders, where its update starts."""

    facts: Facts
    lie: Relation
    tip: str | None


def survey(
    fleet: Fleet,
    chosen: Iterable[str],
    options: Options,
    store: TemplateStore,
    *,
    ours: Callable[[], Container[str]],
    fixed: Mapping[str, str] | None = None,
) -> Survey:
    """Ask every repository, and decide about the chosen ones.

    Args:
        fleet: The fleet; all of it is looked at, since prefixes and pins bind all of it.
        chosen: Names of the repositories to update.
        options: How the update was asked for.
        store: Where template versions come from.
        ours: Returns the commits that earlier updates made.
        fixed: The commit to go to, by source: what the run began with, when it is resumed.

    Raises:
        FleetError: No template can be had at the version that was asked for.
    """
    names = frozenset(chosen)
    decided: list[Outcome] = []
    starts: list[_Start] = []
    family: list[Facts] = []
    for facts in look_all(fleet.repositories, options.jobs):
        lie = relation(facts, ours) if facts.problem is None else None
        start = facts if lie is None else at_start(facts, lie)
        family.append(start)
        if facts.repository.name not in names:
            continue
        hindered = hindrance(facts, lie, options) if lie is not None else _broken(facts)
        if hindered is None:
            hindered = _broken(start) or _foreign(fleet, start)
        if hindered is None and lie is not None:
            starts.append(_Start(start, lie, facts.branch_tip))
        elif hindered is not None:
            decided.append(hindered)
    targets, failures = _targets({_source(start.facts) for start in starts}, options, store, fixed)
    drafts: list[Draft] = []
    for begin in starts:
        answer = _decision(begin, targets, failures, store)
        (drafts if isinstance(answer, Draft) else decided).append(answer)  # type: ignore[arg-type]
    return Survey(
        decided=tuple(decided),
        drafts=tuple(drafts),
        prefixes={
            each.repository.name: each.manifest.model.prefix
            for each in family
            if each.manifest is not None and each.manifest.model is not None
        },
        tvm=next(
            (e.manifest.tvm for e in family if e.repository.is_runtime and e.manifest is not None),
            None,
        ),
        targets=targets,
    )


def _broken(facts: Facts) -> Outcome | None:
    return None if facts.problem is None else skipped(facts.repository, *facts.problem)


def _source(facts: Facts) -> str:
    return str(facts.answers.get("_src_path", ""))


def _foreign(fleet: Fleet, facts: Facts) -> Outcome | None:
    """A template that fleet.yaml does not name is code that nobody agreed to run."""
    source = _source(facts)
    if names_source(fleet, source):
        return None
    return skipped(
        facts.repository,
        Reason.TEMPLATE,
        f"its template {source or '(none recorded)'} is not one that {fleet.path.name} names",
        f"Add it under `templates:` in {fleet.path} if you trust it",
    )


def _targets(
    sources: Iterable[str],
    options: Options,
    store: TemplateStore,
    fixed: Mapping[str, str] | None,
) -> tuple[dict[str, Checkout], dict[str, TvmplugError]]:
    found: dict[str, Checkout] = {}
    failures: dict[str, TvmplugError] = {}
    for source in sorted(sources):
        try:
            if fixed is not None and source in fixed:
                found[source] = store.at(source, fixed[source])
            else:
                found[source] = store.newest(source, ref=options.ref, tvm=options.tvm)
        except TvmplugError as error:
            failures[source] = error
    if failures and not found:
        # Nothing can be done at all: one line says it better than a line per repository.
        raise next(iter(failures.values()))
    return found, failures


def _decision(
    begin: _Start,
    targets: Mapping[str, Checkout],
    failures: Mapping[str, TvmplugError],
    store: TemplateStore,
) -> Draft | Outcome:
    start = begin.facts
    source = _source(start)
    if source in failures:
        error = failures[source]
        return skipped(start.repository, Reason.TEMPLATE, error.message, error.mend)
    recorded = start.answers.get("_commit")
    if not isinstance(recorded, str):
        return skipped(
            start.repository,
            Reason.REPOSITORY,
            "its answers file does not say which template version it is at",
            "Restore `_commit` in .copier-answers.yml from its history",
        )
    try:
        old = store.at(source, recorded)
        return decide(start, begin.lie, begin.tip, old=old, new=targets[source])
    except FleetError as error:
        return skipped(start.repository, Reason.TEMPLATE, error.message, error.mend)
