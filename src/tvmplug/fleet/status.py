"""How the repositories of a fleet stand: their template's version, what waits, and what collides.

`ask` goes to the repositories and templates; the rest decides what that means.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from tvmplug import names
from tvmplug.errors import FleetError, TvmplugError
from tvmplug.findings import Finding, Status
from tvmplug.fleet.config import Fleet, named_source
from tvmplug.fleet.facts import Facts, look_all
from tvmplug.fleet.plan import Relation, at_start, relation
from tvmplug.fleet.records import Checkout, Repository

if TYPE_CHECKING:  # it needs Copier, which takes half a second, and no help text needs it
    from tvmplug.fleet.templates import TemplateStore


class State(enum.Enum):
    """How a repository stands to its template's newest version."""

    UP_TO_DATE = "up to date"
    NEWER = "newer"  # a prerelease, or a commit after the newest release
    BEHIND = "behind"
    WAITING = "update waits"  # the branch for updates holds the newest version, unmerged
    UNKNOWN = "unknown"  # its template cannot be asked
    PROBLEM = "problem"


GOOD = frozenset({State.UP_TO_DATE, State.NEWER})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found out about one repository.

    Attributes:
        facts: What it says about itself.
        waiting: What it says on its branch for updates, when that holds more than the base.
        current: The template version that it is at; None when that is unknown.
        branch: The version that it is at on that branch.
        newest: The version that an update would bring it to.
        problem: Why its versions are unknown, and the mend.
    """

    facts: Facts
    waiting: Facts | None = None
    current: Checkout | None = None
    branch: Checkout | None = None
    newest: Checkout | None = None
    problem: tuple[str, str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one repository stands.

    Attributes:
        name: Its name in the fleet.
        kind: `runtime`, `model`, or None when it could not be asked.
        template: The template's address.
        version: The template version that it is at.
        newest: The template's newest version.
        tvm: The TVM that it pins.
        prefix: A model plugin's symbol prefix.
        state: How it stands.
        dirty: It has changes that no commit holds.
        branch: The branch on which an update waits.
        message: What is wrong with it, in one line.
        mend: The command or edit that puts it right.
        last: How the last attempt to update it ended.
    """

    name: str
    kind: str | None = None
    template: str | None = None
    version: str | None = None
    newest: str | None = None
    tvm: str | None = None
    prefix: str | None = None
    state: State
    dirty: bool = False
    branch: str | None = None
    message: str | None = None
    mend: str | None = None
    last: str | None = None


def ask(
    fleet: Fleet, chosen: Sequence[Repository], store: TemplateStore, jobs: int | None = None
) -> list[Seen]:
    """Ask all repositories of a fleet, and the templates of the chosen ones.

    Args:
        fleet: The fleet; all of it is asked, since prefixes and pins bind all of it.
        chosen: Those to be fetched, and compared with their template.
        store: Where template versions come from.
        jobs: How many repositories are asked at once.
    """
    wanted = frozenset(each.name for each in chosen)
    fetched = [each for each in fleet.repositories if each.name in wanted]
    others = [each for each in fleet.repositories if each.name not in wanted]
    answers = (*look_all(fetched, jobs), *look_all(others, jobs, refresh=False))
    seen = {
        facts.repository.name: _compared(fleet, facts, store)
        if facts.repository.name in wanted
        else Seen(facts=facts)
        for facts in answers
    }
    return [seen[each.name] for each in fleet.repositories]


def row(seen: Seen, last: str | None = None) -> Row:
    """Decide how a repository stands.

    Args:
        seen: What was found out about it.
        last: How the last attempt to update it ended.
    """
    facts = seen.facts
    manifest, model = facts.manifest, facts.manifest.model if facts.manifest else None
    state, message, mend = _state(seen)
    return Row(
        name=facts.repository.name,
        kind=manifest.kind.value if manifest else None,
        template=facts.answers.get("_src_path"),
        version=seen.current.described if seen.current else facts.answers.get("_commit"),
        newest=seen.newest.described if seen.newest else None,
        tvm=manifest.tvm if manifest else None,
        prefix=model.prefix if model else None,
        state=state,
        dirty=facts.dirty,
        branch=facts.repository.branch if state is State.WAITING else None,
        message=message,
        mend=mend,
        last=last,
    )


def across(fleet: Iterable[Facts]) -> list[Finding]:
    """Return what is wrong between repositories: prefixes, pins, the registry.

    Args:
        fleet: All repositories of the fleet; those that could not be asked are left out.
    """
    known = [facts for facts in fleet if facts.manifest is not None]
    runtime = next((facts for facts in known if facts.repository.is_runtime), None)
    return [*_collisions(known), *_pins(known, runtime), *_unregistered(known, runtime)]


def is_behind(rows: Iterable[Row], findings: Sequence[Finding]) -> bool:
    """Tell whether anything is left to do: an update, a merge, a repair."""
    return bool(findings) or any(each.state not in GOOD for each in rows)


def _compared(fleet: Fleet, facts: Facts, store: TemplateStore) -> Seen:
    """Add the versions of a repository's template, as far as they can be found out."""
    if facts.problem is not None:
        return Seen(facts=facts)
    source = str(facts.answers["_src_path"])
    if named_source(fleet, source) is None:
        return Seen(
            facts=facts,
            problem=(
                f"its template {source} is not one that {fleet.path.name} names",
                f"Add it under `templates:` in {fleet.path} if you trust it",
            ),
        )
    seen = Seen(facts=facts)
    try:
        lie = relation(facts)
        if lie not in (Relation.NONE, Relation.MERGED):
            waiting = at_start(facts, Relation.AHEAD)
            seen = replace(seen, waiting=waiting)
        seen = replace(seen, newest=store.newest(source))
        seen = replace(seen, current=store.at(source, facts.answers["_commit"]))
        if seen.waiting is not None and seen.waiting.problem is None:
            seen = replace(seen, branch=store.at(source, seen.waiting.answers["_commit"]))
    except TvmplugError as error:
        return replace(seen, problem=(error.message, error.mend))
    return seen


def _state(seen: Seen) -> tuple[State, str | None, str | None]:
    facts = seen.facts
    if facts.problem is not None:
        return State.PROBLEM, facts.problem[1], facts.problem[2]
    if seen.newest is None or seen.current is None:
        message, mend = seen.problem or (None, None)
        return State.UNKNOWN, message, mend
    if seen.problem is not None:
        return State.PROBLEM, *seen.problem
    if _reached(seen.current, seen.newest):
        newer = seen.current.commit != seen.newest.commit
        return (State.NEWER if newer else State.UP_TO_DATE), None, None
    if seen.branch is not None and _reached(seen.branch, seen.newest):
        return State.WAITING, None, None
    return State.BEHIND, None, None


def _reached(at: Checkout, target: Checkout) -> bool:
    """Tell whether a version is the one to reach, or after it."""
    if at.commit == target.commit:
        return True
    if at.version is None or target.version is None:
        return False  # without versions nothing tells before from after; an update would run
    return Version(at.version) > Version(target.version)


def _wrong(name: str, detail: str, mend: str) -> Finding:
    return Finding(name, Status.FAILED, detail, mend, FleetError.exit_code)


def _collisions(known: Sequence[Facts]) -> list[Finding]:
    prefixes = sorted(
        (facts.manifest.model.prefix, facts.repository.name)
        for facts in known
        if facts.manifest is not None and facts.manifest.model is not None
    )
    found = []
    for index, (prefix, name) in enumerate(prefixes):
        for other, other_name in prefixes[index + 1 :]:
            # In order, all that begin with this prefix follow it directly.
            if not names.conflicts(prefix, other):
                break
            told = f"{name} and {other_name} both hold {prefix}"
            if prefix != other:
                told = f"{other_name} holds {other}, which begins with {prefix} of {name}"
            mend = f"Give {other_name} another prefix: `copier update --data prefix=...` in it"
            found.append(_wrong("prefix", told, mend))
    return found


def _pins(known: Sequence[Facts], runtime: Facts | None) -> list[Finding]:
    pinned: dict[str, list[str]] = {}
    for facts in known:
        if facts.manifest is not None:
            pinned.setdefault(facts.manifest.tvm, []).append(facts.repository.name)
    if len(pinned) < 2:
        return []
    most = sorted(pinned, key=lambda tvm: -len(pinned[tvm]))
    if runtime is not None and runtime.manifest is not None:
        rule = runtime.manifest.tvm
        told = f"the runtime plugin pins TVM {rule}, but " + ", ".join(
            f"{_some(pinned[tvm])} {'pins' if len(pinned[tvm]) == 1 else 'pin'} {tvm}"
            for tvm in most
            if tvm != rule
        )
    else:
        told = "TVM is " + ", ".join(f"{tvm} in {_some(pinned[tvm])}" for tvm in most)
    return [_wrong("pin", told, "Move all to one: tvmplug fleet update --tvm VERSION")]


def _unregistered(known: Sequence[Facts], runtime: Facts | None) -> list[Finding]:
    if runtime is None or runtime.registered is None:
        return []
    found = []
    for facts in known:
        if facts.manifest is None or facts.manifest.model is None:
            continue
        name, prefix = facts.manifest.name, facts.manifest.model.prefix
        held = runtime.registered.get(name)
        if held == prefix:
            continue
        told = f"{name} is not in the registry of {runtime.repository.name}"
        if held is not None:
            told = f"{name} holds {prefix}, and {runtime.repository.name} has it with {held}"
        mend = (
            f"Run `tvmplug registry add {name} {prefix} --registry {runtime.repository.path}`, "
            "and commit that"
        )
        found.append(_wrong("registry", told, mend))
    return found


def _some(members: Sequence[str]) -> str:
    """A few names, and how many more."""
    shown = ", ".join(members[:3])
    return shown if len(members) <= 3 else f"{shown} and {len(members) - 3} more"
