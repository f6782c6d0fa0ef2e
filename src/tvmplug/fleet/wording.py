"""How the fleet words what happened: one line, no control characters, short durations."""

from __future__ import annotations

from tvmplug.fleet.records import Outcome, Result

GOOD = frozenset({Result.UPDATED, Result.UNCHANGED})


def line(outcome: Outcome) -> str:
    """Tell what became of a repository in one line, without control characters."""
    text = said(outcome)
    return f"{text}. {printable(outcome.mend)}" if outcome.mend else text


def said(outcome: Outcome) -> str:
    """Tell the same without what mends it."""
    told = f"{outcome.name}: {outcome.result.value}"
    if outcome.result is Result.UPDATED and outcome.from_version != outcome.to_version:
        told += f" {outcome.from_version} -> {outcome.to_version}"
    if outcome.result in GOOD:
        if outcome.changes:
            told += f", {len(outcome.changes)} file{'s' * (len(outcome.changes) != 1)}"
        if outcome.seconds:
            told += f", {duration(sum(outcome.seconds.values()))}"
    elif outcome.reason is not None:
        told += f" ({outcome.reason.value})"
    if outcome.message:
        told += f": {outcome.message}"
    return printable(told)


def printable(text: str) -> str:
    """Return text on one line in which nothing moves the cursor or turns the writing round.

    What programs say goes to terminals and pages: escape sequences and the like become spaces.
    """
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """Return a line as `printable` does, but with its spaces, with which compilers point."""
    return "".join(char if char.isprintable() else " " for char in text.expandtabs(4)).rstrip()


def duration(seconds: float) -> str:
    """Tell a duration the short way: `0.42 s`, `17 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 9.95:  # rounds to 10 s
        return f"{seconds:.{2 if seconds < 0.995 else 1}f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def clock(seconds: float) -> str:
    """Tell a time that goes on changing: `0:07`, `12:30`, `1:02:30`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
