"""Looks at the whole fleet before an update: what each repository needs, and what binds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tvmplug.errors import FleetError, TvmplugError
from tvmplug.fleet.config import Fleet, names_source
from tvmplug.fleet.facts import Facts, look_all
from tvmplug.fleet.plan import Draft, Options, at_start, decide, hindrance, relation, skipped
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


def survey(
    fleet: Fleet,
    chosen: Iterable[str],
    options: Options,
    store: TemplateStore,
    fixed: Mapping[str, str] | None = None,
) -> Survey:
    """Ask every repository, and decide about the chosen ones.

    Args:
        fleet: The fleet; all of it is looked at, since prefixes and pins bind all of it.
        chosen: Names of the repositories to update.
        options: How the update was asked for.
        store: Where template versions come from.
        fixed: The commit to go to, by source: what the run began with, when it is resumed.

    Raises:
        FleetError: No template can be had at the version that was asked for.
    """
    names = frozenset(chosen)
    decided: list[Outcome] = []
    starts: list[tuple[Facts, str | None]] = []
    family: list[Facts] = []
    for facts in look_all(fleet.repositories, options.jobs):
        lie = relation(facts) if facts.problem is None else None
        start = facts if lie is None else at_start(facts, lie)
        family.append(start)
        if facts.repository.name not in names:
            continue
        hindered = hindrance(facts, lie, options) if lie is not None else _broken(facts)
        if hindered is None:
            hindered = _broken(start) or _foreign(fleet, start)
        if hindered is None:
            starts.append((start, facts.branch_tip))
        else:
            decided.append(hindered)
    targets, failures = _targets({_source(start) for start, _ in starts}, options, store, fixed)
    drafts: list[Draft] = []
    for start, tip in starts:
        answer = _decision(
            start, tip, targets=targets, failures=failures, options=options, store=store
        )
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
    start: Facts,
    tip: str | None,
    *,
    targets: Mapping[str, Checkout],
    failures: Mapping[str, TvmplugError],
    options: Options,
    store: TemplateStore,
) -> Draft | Outcome:
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
        return decide(start, tip, old, targets[source], options)
    except FleetError as error:
        return skipped(start.repository, Reason.TEMPLATE, error.message, error.mend)
