"""Copier's own update of one project, in surroundings that cost a tenth: called by a fleet's jobs.

Copier decides everything: the code that runs is that of `copier.Worker` (9.19, which pyproject.toml
pins). What differs is where it gets things from (`copier_worker`): templates come from one checkout
for all, compiled code and configuration from `copier_cache`, git is started without plumbum
(`copier_git`) and not asked what is known (`copier_questions`), and the throw-away repositories of
the old and the new render are made with fewer processes (`throwaway`).
`tests/fleet/test_parity.py` compares the results with Copier's command line.

An update changes the working directory, as Copier does: run one at a time in a process.
"""

from __future__ import annotations

import contextlib
import errno
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copier.errors import CopierError, InvalidConfigFileError
from plumbum import ProcessExecutionError

from tvmplug.commands.new import one_line
from tvmplug.errors import FleetError, TvmplugError
from tvmplug.fleet import throwaway
from tvmplug.fleet.copier_cache import warm_parts
from tvmplug.fleet.copier_worker import FleetWorker, Surroundings
from tvmplug.fleet.git import GitError
from tvmplug.fleet.git_index import Listing
from tvmplug.fleet.records import Checkout

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_MOST_REQUIRED = 5  # answers that a template may ask for without proposing any


@dataclass(frozen=True)
class Renders:
    """What the template gives for a project's answers, before anybody edits: path -> (mode, blob).

    Attributes:
        old: The render of the version that the project is at.
        new: The render of the version that it is brought to, without what the author deleted.
        project: The project before the update; None when only git can tell.
        texts: Old and new content of the files that the new version changes.
    """

    old: Listing
    new: Listing
    project: Listing | None
    texts: Mapping[str, tuple[bytes, bytes]]


def warm(checkouts: Sequence[Checkout]) -> None:
    """Do once, in the process that jobs are forked from, what each job would do again.

    A template with a mistake in it is left: the project that needs it will say so.

    Args:
        checkouts: The template versions that jobs will need.
    """
    for checkout in checkouts:
        with contextlib.suppress(FleetError), _one_line_errors(checkout.source):
            around = Surroundings(project=Path(), old=checkout, new=checkout, trust=False)
            worker = FleetWorker(src_path=checkout.source, surroundings=around)
            warm_parts(checkout, worker.jinja_env)
            _try(checkout)
    for folder in {Path(tempfile.gettempdir()), *(each.path.parent for each in checkouts)}:
        throwaway.skeleton(folder)


def _try(checkout: Checkout) -> None:
    """Render a template with the answers it proposes: what that imports and compiles stays."""
    data: dict[str, Any] = {}
    for _ in range(_MOST_REQUIRED):
        with tempfile.TemporaryDirectory(prefix="trial-") as folder:
            project = Path(folder, "trial")
            around = Surroundings(project=project, old=checkout, new=checkout, trust=False)
            worker = FleetWorker(
                src_path=checkout.source,
                dst_path=project,
                data=data,
                defaults=True,
                quiet=True,
                surroundings=around,
            )
            try:
                with worker:
                    worker.run_copy()
            except ValueError as error:
                required = re.fullmatch(r'Question "(.+)" is required', str(error))
                if required is None or required[1] in data:
                    return
                data[required[1]] = "trial"
            else:
                return


def update_project(
    project: Path,
    old: Checkout,
    new: Checkout,
    *,
    vcs_ref: str | None,
    data: Mapping[str, Any],
    trust: bool,
) -> Renders:
    """Do what `copier update --defaults --overwrite` does; a conflict is no error, as in Copier.

    Temporary files lie where `tempfile` puts them.

    Args:
        project: A clean worktree.
        old: The template version that its answers name.
        new: The version to bring it to.
        vcs_ref: What `--vcs-ref` would say; templates can see it.
        data: Answers to give, as `--data` would.
        trust: Run the template's tasks and migrations, let it read files outside of the project.

    Returns:
        What the template gives for both versions.

    Raises:
        FleetError: Copier, git or the template says no; the project may be half updated.
    """
    project = project.resolve()  # git names a project so, and Copier compares
    around = Surroundings(project=project, old=old, new=new, trust=trust)
    with _one_line_errors(new.source):
        worker = FleetWorker(
            dst_path=project,
            data=dict(data),
            vcs_ref=vcs_ref,
            defaults=True,
            overwrite=True,
            quiet=True,
            unsafe=trust,
            surroundings=around,
        )
        with worker:
            worker.run_update()
    (_, old_files), (_, new_files) = around.renders
    return Renders(old_files, new_files, around.known.before, around.texts)


@contextlib.contextmanager
def _one_line_errors(source: str) -> Iterator[None]:
    try:
        yield
    except ProcessExecutionError as error:  # an OSError too
        last = " ".join(str(error.stderr).split())[-300:]
        raise GitError(f"git failed during the update: {last}") from error
    except TvmplugError:
        raise
    except InvalidConfigFileError as error:
        raise FleetError(
            f"the template {source}: {Path(str(error)).name} is no YAML"
            + (f": {' '.join(str(error.__cause__).split())}" if error.__cause__ else ""),
            mend="Correct it in the template, and release that as another version",
        ) from error
    except (CopierError, ValueError) as error:
        raise FleetError(
            f"the template {source} refuses: {one_line(str(error))}",
            mend="If it is about an answer, correct that in .copier-answers.yml; `copier update` "
            "in a copy of the project shows more",
        ) from error
    except Exception as error:  # whatever a template makes Copier and Jinja raise
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        raise FleetError(
            f"Copier fails with the template {source}: {said}",
            mend="`copier update` in a copy of the project shows more",
        ) from error
