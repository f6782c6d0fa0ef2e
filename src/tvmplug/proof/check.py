"""The questions of `tvmplug check --link`: do these plugins make one app, target by target?

It looks at what `tvmplug build` left, and links an app over it with a real linker.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts.ar import members_of
from tvmplug.build.staging import human_size
from tvmplug.errors import ArtifactError, TvmplugError
from tvmplug.findings import Finding, Skipped, ask
from tvmplug.project import Project
from tvmplug.proof.app_link import link_app, link_static_app
from tvmplug.proof.archives import constructors, forced_archive
from tvmplug.proof.artifacts import missing_from_system
from tvmplug.proof.linkmap import read_link_map
from tvmplug.proof.once import (
    RUNTIME_SYMBOLS,
    Linked,
    Problem,
    prove,
    prove_one_runtime,
    prove_prefixes,
)
from tvmplug.proof.parts import Part, part_of, staged_problems
from tvmplug.targets import Target

# What TVM itself names like this is found by the runtime, not called by an app.
_COMPILED = "__tvm_ffi_"


def check_link(projects: Sequence[Project], targets: Sequence[Target]) -> list[Finding]:
    """Prove that plugins link into one app that holds everything once.

    Args:
        projects: The runtime plugin and one or more model plugins.
        targets: What to prove it for.

    Returns:
        Findings of each target, their names beginning with the target's; a target that something
        is not built for has one, which says so.
    """
    return [finding for target in targets for finding in _check_target(projects, target)]


def _check_target(projects: Sequence[Project], target: Target) -> list[Finding]:
    try:
        parts = [part_of(project, target) for project in projects]
    except Skipped as skipped:
        why = partial(_skip, str(skipped), skipped.mend)
        return [ask(f"{target.name}: link", why)]
    except TvmplugError as error:
        return [ask(f"{target.name}: link", partial(_fail, error))]
    questions: dict[str, Callable[[], str]] = {
        "artifacts": partial(_artifacts, parts, target),
        "one runtime": partial(_one_runtime, parts, target),
        "once": partial(_once, parts),
        "app": partial(_app, parts, target),
        "app, static": partial(_static_app, parts, target),
    }
    return [ask(f"{target.name}: {name}", question) for name, question in questions.items()]


def _skip(why: str, mend: str | None) -> str:
    raise Skipped(why, mend=mend)


def _fail(error: TvmplugError) -> str:
    raise error


def check_artifacts(project: Project, target: Target) -> str:
    """Say how large a plugin's libraries are, or what keeps them from being shipped.

    Args:
        project: Either kind of plugin.
        target: What it was built for.

    Raises:
        Skipped: It is not built for the target.
        ArtifactError: An object is for another platform or a newer system, a segment is not
            aligned, something is needed that no device has, a file names a folder of this machine.
    """
    return _artifacts([part_of(project, target)], target)


def _artifacts(parts: Sequence[Part], target: Target) -> str:
    defined = {name for part in parts for name in part.defined}
    wrong = {part.project.name: _part_problems(part, target, defined) for part in parts}
    if any(wrong.values()):
        names_of_wrong = [name for name, problems in wrong.items() if problems]
        raise ArtifactError(
            "; ".join(problem for problems in wrong.values() for problem in problems),
            mend=f"Run `tvmplug build --target {target.name}` in {' and '.join(names_of_wrong)} "
            "again",
        )
    sizes = ", ".join(
        f"{path.name} {human_size(contents.size)}"
        for part in parts
        for path, contents in zip(part.libraries, part.contents, strict=True)
    )
    proof = any(part.image.proof_only for part in parts)
    return f"{sizes}{'; linked for proof, not to be shipped' if proof else ''}"


def _part_problems(part: Part, target: Target, defined: Collection[str]) -> list[str]:
    problems = [problem for contents in part.contents for problem in contents.problems]
    problems += staged_problems(part)
    for contents, path in zip(part.contents, part.libraries, strict=True):
        # Whether the runtime has what is asked of it is a question of its own.
        missing = [
            name
            for name in missing_from_system(contents, target, defined)
            if not name.startswith(RUNTIME_SYMBOLS)
        ]
        if missing:
            problems.append(f"{path.name}: it needs {_several(missing)}, which nobody has")
    return problems


def _one_runtime(parts: Sequence[Part], target: Target) -> str:
    runtimes = [part.project.name for part in parts if not part.project.is_model]
    if len(runtimes) != 1:
        raise ArtifactError(
            f"an app has one runtime plugin, these are {len(runtimes)}: {', '.join(runtimes)}",
            mend="Name one runtime plugin",
        )
    models = [part for part in parts if part.project.is_model]
    problems = [
        *prove_prefixes({part.project.name: part.project.model.prefix for part in models}),
        *_without_prefix(models),
    ]
    problems += prove_one_runtime(
        {part.project.name: part.defined for part in parts},
        {part.project.name: part.undefined for part in models},
    )
    _refuse_all(problems)
    return f"{runtimes[0]} serves {', '.join(part.project.name for part in models)}"


def _without_prefix(models: Sequence[Part]) -> Iterator[Problem]:
    for part in models:
        prefix = part.project.model.prefix
        foreign = sorted(name for name in part.defined if not name.startswith(prefix))
        if foreign:
            yield Problem(
                f"{part.project.name} defines {_several(foreign)} without its prefix {prefix}",
                f"Run `tvmplug build` in {part.project.name}",
            )


def _once(parts: Sequence[Part]) -> str:
    merged = [part for part in parts if part.is_static]
    if merged:
        return _merged(merged)
    mapped = _with_maps(parts)
    if not mapped:
        raise Skipped("no library has a link map", mend="Run `tvmplug build` for each plugin here")
    proof = prove([_linked(part) for part in mapped])
    _refuse_all(proof.problems)
    without = [part.project.name for part in parts if part not in mapped]
    told = f"{proof.objects} objects, each in one image, once"
    if proof.dropped:
        told += f"; {len(proof.dropped)} of the runtime's that nothing calls are left out"
    return f"{told}; {', '.join(without)} came ready-made" if without else told


def _merged(parts: Sequence[Part]) -> str:
    """For static linkage each plugin is one object: it must run all that its archives would."""
    told = []
    for part in parts:
        objects = [member for path in part.image.archives for member in members_of(path)]
        wanted = sum(constructors(content, name) for name, content in objects)
        whole = members_of(part.image.path)
        found = sum(constructors(content, name) for name, content in whole)
        if len(whole) != 1 or found < wanted:
            raise ArtifactError(
                f"{part.image.path.name} holds {len(whole)} objects with {found} constructors, "
                f"its archives have {wanted}",
                mend=f"Run `tvmplug build --target {part.image.target.name}` in "
                f"{part.project.name} again",
            )
        told.append(f"{part.project.name} {len(objects)}")
    return f"objects merged into one: {', '.join(told)}, with all constructors"


def _linked(part: Part) -> Linked:
    assert part.image.link_map is not None  # noqa: S101  chosen by it
    # A model's objects are all needed, the runtime's only where they register something.
    complete = part.project.is_model
    return Linked(
        name=part.project.name,
        link_map=read_link_map(part.image.link_map),
        archives=tuple(forced_archive(path, complete=complete) for path in part.image.archives),
    )


def _app(parts: Sequence[Part], target: Target) -> str:
    functions = _functions(parts)
    libraries = [path for part in parts for path in part.libraries]
    with _work() as work:
        linked = link_app(target, libraries, functions, work)
        held = tuple(forced_archive(p.image.path, complete=True) for p in parts if p.is_static)
        images = [_linked(part) for part in _with_maps(parts)]
        known = prove(images).problems  # which `once` tells
        proof = prove([Linked("the app", linked.link_map, held), *images])
        _refuse_all([problem for problem in proof.problems if problem not in known])
    return f"{linked.linker} finds all {len(functions)} functions of the plugins"


def _with_maps(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.image.link_map is not None and part.image.archives]


def _functions(parts: Sequence[Part]) -> list[str]:
    models = [part for part in parts if part.project.is_model]
    return sorted(
        {
            name
            for part in models
            for name in part.defined
            if name.startswith(part.project.model.prefix) and _COMPILED not in name
        }
    )


def _static_app(parts: Sequence[Part], target: Target) -> str:
    archives = [path for part in parts for path in part.image.archives]
    if any(not part.image.archives for part in parts):
        raise Skipped("not all plugins were linked from archives")
    complete = {path: part.project.is_model for part in parts for path in part.image.archives}
    with _work() as work:
        linked = link_static_app(target, archives, [], work)
        forced = tuple(forced_archive(path, complete=complete[path]) for path in archives)
        proof = prove([Linked("the app", linked.link_map, forced)])
        _refuse_all(proof.problems)
    return f"{linked.linker} links all {proof.objects} objects into one executable"


@contextlib.contextmanager
def _work() -> Iterator[Path]:
    place = Path(tempfile.gettempdir())
    with files.file_errors(place), tempfile.TemporaryDirectory(prefix="tvmplug-link-") as folder:
        yield Path(folder)


def _refuse_all(problems: Sequence[Problem]) -> None:
    if problems:
        raise ArtifactError("; ".join(problem.what for problem in problems), mend=problems[0].mend)


def _several(found: Sequence[str]) -> str:
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if found[3:] else "")
