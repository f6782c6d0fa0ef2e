"""Updates the fleet, and goes on with an update that was killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from tvmplug.fleet import git, job
from tvmplug.fleet.books import Book, LedgerBook, NoBook, close_attempts, options_from
from tvmplug.fleet.config import Fleet, choose
from tvmplug.fleet.git_files import worktree_records
from tvmplug.fleet.lead import Finished, Lead, Watcher
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.lock import FleetLock
from tvmplug.fleet.places import Places
from tvmplug.fleet.plan import Options
from tvmplug.fleet.survey import survey
from tvmplug.fleet.templates import TemplateStore


def update_fleet(fleet: Fleet, options: Options, watcher: Watcher) -> Finished:
    """Bring the chosen repositories to a template version.

    A run that was killed before is closed first: what it did not finish is looked at anew.

    Args:
        fleet: The fleet.
        options: What to do, and with which repositories.
        watcher: Told how it goes on.

    Returns:
        What became of each.

    Raises:
        FleetError: Another run goes on, or no template can be had.
        UsageError: A name or group is not in the fleet.
        FileError: The ledger cannot be written.
    """
    places = Places.beside(fleet.path)
    chosen = [entry.name for entry in choose(fleet, options.only, options.groups)]
    with FleetLock(places.lock) as lock:
        sweep(fleet, places)
        if not options.publish:
            return _go(fleet, options, chosen, book=NoBook(), lock=lock, watcher=watcher)
        with Ledger(places.ledger) as ledger:
            if (killed := ledger.unfinished()) is not None:
                close_attempts(ledger, killed)
                ledger.finish_run(killed.id)
            book = LedgerBook(ledger, options)
            return _go(fleet, options, chosen, book=book, lock=lock, watcher=watcher)


def resume_fleet(fleet: Fleet, watcher: Watcher, *, jobs: int | None = None) -> Finished | None:
    """Go on with the last run, if it was killed, to the template version that it began with.

    Args:
        fleet: The fleet.
        watcher: Told how it goes on.
        jobs: How many repositories at once; None for what the run was begun with.

    Returns:
        What became of the repositories of that run, those that were done before it was killed too;
        None when there is nothing to go on with.

    Raises:
        FleetError: Another run goes on, or no template can be had.
        FileError: The ledger cannot be written.
    """
    places = Places.beside(fleet.path)
    with FleetLock(places.lock) as lock:
        sweep(fleet, places)
        with Ledger(places.ledger) as ledger:
            run = ledger.unfinished()
            if run is None:
                return None
            options = options_from(run.options)
            if jobs is not None:
                options = replace(options, jobs=jobs)
            rest = close_attempts(ledger, run)
            before = [attempt.outcome for attempt in ledger.attempts(run.id)]
            book = LedgerBook(ledger, options, run)
            finished = _go(
                fleet, options, rest, book=book, lock=lock, watcher=watcher, fixed=run.targets
            )
    latest = {each.name: each for each in (*before, *finished.outcomes) if each is not None}
    return replace(finished, outcomes=tuple(latest.values()))


def _go(
    fleet: Fleet,
    options: Options,
    chosen: Iterable[str],
    *,
    book: Book,
    lock: FleetLock,
    watcher: Watcher,
    fixed: Mapping[str, str] | None = None,
) -> Finished:
    places = Places.beside(fleet.path)
    store = TemplateStore(places.templates)
    found = survey(fleet, chosen, options, store, ours=partial(_commits, places), fixed=fixed)
    lead = Lead(fleet=fleet, options=options, places=places, book=book, lock=lock, watcher=watcher)
    return lead.go(found)


def _commits(places: Places) -> frozenset[str]:
    """The commits that earlier updates of this fleet made."""
    ledger = Ledger.reading(places.ledger)
    if ledger is None:
        return frozenset()
    with ledger:
        return ledger.commits()


def sweep(fleet: Fleet, places: Places) -> None:
    """Remove what a killed run left: worktrees that repositories know of, and scratch folders.

    Only whoever holds the fleet's lock may call it.
    """
    work = places.root.resolve() / "work"
    for entry in fleet.repositories:
        known = set(worktree_records(entry.path).values())
        # One whose record a kill cut short names no folder: it is found by the plugin's name.
        ours = {job.worktree_of(work / "?", entry.path.name)} if None in known else set()
        ours |= {each for each in known if each is not None and each.is_relative_to(work)}
        for worktree in ours:
            git.remove_worktree(entry.path, worktree)
    shutil.rmtree(work, ignore_errors=True)
