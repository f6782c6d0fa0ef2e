"""Leads one run: the runtime plugin first, then the models, each in a process of its own.

Only this process writes to the ledger, and only in the thread that leads.
"""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from tvmplug.errors import FleetError, TvmplugError
from tvmplug.fleet import git, job
from tvmplug.fleet.books import Book, moved
from tvmplug.fleet.config import Fleet
from tvmplug.fleet.executors import Executor, make_executor
from tvmplug.fleet.git_files import remove_stale_lock
from tvmplug.fleet.lock import FleetLock
from tvmplug.fleet.places import Places
from tvmplug.fleet.plan import Draft, Options, in_order, skipped
from tvmplug.fleet.records import Checkout, Job, Outcome, Reason, Repository, Result, Verify
from tvmplug.fleet.survey import Survey


class Watcher(Protocol):
    """Who is told how a run goes on: see `progress`."""

    def begin(self, total: int) -> None:
        """Told how many repositories there are."""

    def started(self, name: str) -> None:
        """Told that one has begun."""

    def step(self, name: str, text: str) -> None:
        """Told what one is at."""

    def ended(self, outcome: Outcome) -> None:
        """Told what became of one."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run did.

    Attributes:
        run: Its number in the ledger; 0 when nothing was written there.
        outcomes: One a repository, in the fleet's order.
        targets: The template version that it went to, by source.
    """

    run: int
    outcomes: tuple[Outcome, ...]
    targets: Mapping[str, Checkout]


class Lead:
    """One run.

    Args:
        fleet: The fleet.
        options: How the update was asked for.
        places: Where scratch and logs are.
        book: Where attempts and outcomes are written.
        lock: The fleet's lock, held; child processes hold it too.
        watcher: Told how it goes on.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        options: Options,
        places: Places,
        book: Book,
        lock: FleetLock,
        watcher: Watcher,
    ) -> None:
        self._fleet = fleet
        self._entries = {entry.name: entry for entry in fleet.repositories}
        self._options = options
        self._places = places
        self._book = book
        self._lock = lock
        self._watcher = watcher
        self._outcomes: dict[str, Outcome] = {}
        self._names: dict[int, str] = {}
        self._begun: set[int] = set()
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def go(self, found: Survey) -> Finished:
        """Do what the survey found to be done.

        Raises:
            FleetError: The executor cannot work, or the ledger cannot be written.
        """
        drafts = in_order(found.drafts, self._options.limit)
        self._watcher.begin(len(found.decided) + len(drafts))
        jobs: list[Job] = []
        with self._book.together():
            run = self._book.begin(found.targets)
            for outcome in found.decided:
                attempt = self._book.enter(
                    self._entries[outcome.name], self._scratch(run, outcome.name)
                )
                self._tell(replace(outcome, attempt=attempt))
            for draft in drafts:
                scratch = self._scratch(run, draft.repository.name)
                attempt = self._book.enter(draft.repository, scratch, draft)
                jobs.append(self._job(run, attempt, found, draft))
        if jobs:
            self._work(found, jobs)
        self._book.finish()
        shutil.rmtree(self._places.work(run), ignore_errors=True)
        return Finished(
            run=run,
            outcomes=tuple(self._outcomes[n] for n in self._entries if n in self._outcomes),
            targets=found.targets,
        )

    def _scratch(self, run: int, name: str) -> Path:
        return self._places.work(run) / name

    def _job(self, run: int, attempt: int, found: Survey, draft: Draft) -> Job:
        entry, options = draft.repository, self._options
        self._names[attempt] = entry.name
        return Job(
            attempt=attempt,
            run=run,
            name=entry.name,
            repository=entry.path,
            folder_name=entry.path.name,
            base=draft.start,
            branch=entry.branch,
            branch_tip=draft.branch_tip,
            supersedes=draft.supersedes,
            old=draft.old,
            new=draft.new,
            vcs_ref=options.ref if options.tvm is None else draft.new.described,
            data=draft.data,
            prefixes=found.prefixes,
            tvm=found.tvm,
            runtime=None,
            scratch=self._scratch(run, entry.name),
            log=self._places.log(run, entry.name),
            publish=options.publish,
            want_patch=options.want_patch,
            keep_edits=entry.keep_edits if options.keep_edits is None else options.keep_edits,
            trust=options.trust,
            verify=entry.verify if options.verify is None else options.verify,
        )

    def _work(self, found: Survey, jobs: Sequence[Job]) -> None:
        """The runtime plugin first: what it is at afterwards binds all models."""
        first = [each for each in jobs if self._entries[each.name].is_runtime]
        models = [each for each in jobs if not self._entries[each.name].is_runtime]
        checkouts = {each.commit: each for one in jobs for each in (one.old, one.new)}
        executor = make_executor(
            self._options.executor,
            self._options.jobs or os.cpu_count() or 1,
            warm=list(checkouts.values()),
            hold=self._lock,
            on_step=lambda attempt, step: self._events.put(partial(self._step, attempt, step)),
        )
        beside = None
        try:
            self._all(executor, first)
            tvm = self._runtime_tvm(found.tvm, first)
            beside = self._beside(models)
            ready = []
            for model in models:
                if tvm is not None and model.new.tvm is not None and model.new.tvm != tvm:
                    self._finish(model, self._without_runtime(model, tvm))
                else:
                    ready.append(replace(model, tvm=tvm, runtime=beside))
            self._all(executor, ready)
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)
            for each in jobs:
                if each.scratch.exists():  # it was ended while it cleaned up, or had no time to
                    job.clear(each.repository, each.scratch, _worktree(each))
            raise
        else:
            executor.shutdown(wait=True)
        finally:
            runtime = self._runtime()
            if runtime is not None and beside is not None:
                git.remove_worktree(runtime.path, beside)

    def _runtime(self) -> Repository | None:
        return next((entry for entry in self._entries.values() if entry.is_runtime), None)

    def _runtime_tvm(self, before: str | None, first: Sequence[Job]) -> str | None:
        """The TVM that the runtime plugin is at now."""
        updated = (j for j in first if self._outcomes[j.name].result is Result.UPDATED)
        return next((each.new.tvm for each in updated), before)

    def _beside(self, models: Sequence[Job]) -> Path | None:
        """A checkout of the runtime plugin as it is now, for models that are tried on it."""
        runtime = self._runtime()
        if runtime is None or all(model.verify is Verify.RENDER for model in models):
            return None
        branch = git.resolve(runtime.path, f"refs/heads/{runtime.branch}")
        commit = branch or git.resolve(runtime.path, runtime.base or "HEAD")
        if commit is None:
            return None
        folder = job.worktree_of(models[0].scratch.parent / runtime.name, runtime.path.name)
        git.add_worktree(runtime.path, folder, commit)
        return folder

    def _without_runtime(self, model: Job, tvm: str) -> Outcome:
        name = self._fleet.runtime
        return skipped(
            self._entries[model.name],
            Reason.RUNTIME,
            f"{model.new.described} pins TVM {model.new.tvm}, the runtime plugin is at {tvm}",
            f"Update it first: `tvmplug fleet update --only {name}` says what keeps it",
        )

    def _all(self, executor: Executor, jobs: Iterable[Job]) -> None:
        """Have jobs done, and handle what is said about them, in this thread."""
        waiting: set[int] = set()

        def ended(done: Job, future: Future[Outcome]) -> None:
            waiting.discard(done.attempt)
            self._finish(done, _outcome(done, future))

        def told(done: Job, future: Future[Outcome]) -> None:
            self._events.put(partial(ended, done, future))

        for each in jobs:
            each.log.parent.mkdir(parents=True, exist_ok=True)
            waiting.add(each.attempt)
            future = executor.submit(job.update_repository, each)
            future.add_done_callback(partial(told, each))
        while waiting:
            self._events.get()()

    def _step(self, attempt: int, step: str) -> None:
        if attempt not in self._begun:
            self._begin(attempt)
        self._watcher.step(self._names[attempt], step)

    def _begin(self, attempt: int) -> None:
        self._begun.add(attempt)
        self._watcher.started(self._names[attempt])
        self._book.began(attempt)

    def _finish(self, done: Job, outcome: Outcome) -> None:
        self._tell(replace(outcome, attempt=done.attempt))

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes[outcome.name] = outcome
        self._book.ended(outcome)
        self._watcher.ended(outcome)


def _worktree(of: Job) -> Path:
    return job.worktree_of(of.scratch, of.folder_name)


def _outcome(done: Job, future: Future[Outcome]) -> Outcome:
    """What a job returned; what a process that died left behind is looked at and cleared."""
    error = future.exception()
    if error is None:
        return future.result()
    job.clear(done.repository, done.scratch, _worktree(done))
    remove_stale_lock(done.repository, f"refs/heads/{done.branch}")
    published = moved(
        done.repository, done.branch, before=done.branch_tip, base=done.base, name=done.name
    )
    if done.publish and published is not None:
        return published
    named = error if isinstance(error, TvmplugError) else FleetError(str(error))
    return Outcome(
        attempt=done.attempt,
        name=done.name,
        result=Result.FAILED,
        reason=Reason.CRASH,
        message=named.message,
        mend=named.mend or "Run `tvmplug fleet update` again; its log says how far it came",
        from_version=done.old.described,
        to_version=done.new.described,
    )
