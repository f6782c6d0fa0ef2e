"""The proof that every object of an app is linked exactly once. Pure: it judges what maps say.

An archive that is not linked whole loses its constructors in silence, and with them the functions
that they register; an object that is in two images registers, or keeps its state, twice.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tvmplug.names import conflicts
from tvmplug.proof.linkmap import LinkedObject, LinkMap

# What only the one runtime of an app may define.
RUNTIME_SYMBOLS = ("TVMFFI", "TVMBackend")


@dataclass(frozen=True)
class Member:
    """One object of a static archive.

    Attributes:
        name: Its name in the archive.
        registers: Whether it has a constructor: code that runs when the image is loaded.
    """

    name: str
    registers: bool


@dataclass(frozen=True)
class Forced:
    """A static archive that is linked whole into one image.

    Attributes:
        name: Its file name.
        members: Its objects.
        complete: Whether each of them must be in the image. Otherwise the linker may drop those
            without a constructor that nothing calls, as it does with parts of the runtime.
    """

    name: str
    members: tuple[Member, ...]
    complete: bool


@dataclass(frozen=True)
class Linked:
    """An image: what should be in it, and what is.

    Attributes:
        name: The plugin that it belongs to, or what else it is called.
        link_map: What the linker put into it.
        archives: The archives that were forced into it.
    """

    name: str
    link_map: LinkMap
    archives: tuple[Forced, ...]


@dataclass(frozen=True)
class Problem:
    """What keeps an app from working.

    Attributes:
        what: One sentence.
        mend: The command or edit that puts it right.
    """

    what: str
    mend: str


@dataclass(frozen=True)
class Proof:
    """The outcome.

    Attributes:
        objects: How many objects of forced archives are in exactly one image, once.
        dropped: Those that the linker dropped, and may.
        problems: What is wrong; empty when it is proved.
    """

    objects: int
    dropped: tuple[str, ...]
    problems: tuple[Problem, ...]


def prove(images: Sequence[Linked]) -> Proof:
    """Prove that each object of each forced archive is in its image once, and nowhere else.

    Args:
        images: All images of an app for one target; its own executable, when it has a map, too.
    """
    objects = 0
    dropped: list[str] = []
    problems = [*_shared_archives(images)]
    places = {image.name: _counted(image.link_map) for image in images}
    for image in images:
        for archive in image.archives:
            wanted = Counter(member.name for member in archive.members)
            needed = {m.name for m in archive.members if archive.complete or m.registers}
            missing: list[str] = []
            for name, copies in wanted.items():
                key = (archive.name, name)
                found = places[image.name][key]
                # A map that does not count repeats shows one of two members with the same name.
                expected = copies if image.link_map.counts else min(copies, 1)
                if found > expected:
                    problems.append(_twice(image, archive, name, found))
                elif found == expected:
                    objects += copies
                elif name in needed:
                    missing.append(name)
                else:
                    dropped.append(f"{archive.name}({name})")
            if missing:
                problems.append(_missing(image, archive, missing))
            problems += _elsewhere(image, archive, images, places)
    return Proof(objects, tuple(dropped), tuple(problems))


def prove_one_runtime(
    defined: Mapping[str, Collection[str]], needed: Mapping[str, Collection[str]]
) -> tuple[Problem, ...]:
    """Prove by symbols that one runtime serves all images.

    Args:
        defined: The names that each image defines for others, by the image's name.
        needed: The names that each image needs from others, likewise.

    Returns:
        What is wrong: nobody defines TVM's functions, two images define the same one, or an image
        needs one that nobody has.
    """
    owners: dict[str, list[str]] = {}
    for image, names in defined.items():
        for name in names:
            if name.startswith(RUNTIME_SYMBOLS):
                owners.setdefault(name, []).append(image)
    if not owners:
        return (
            Problem(
                "no image defines TVM's functions: the app has no runtime",
                "Run `tvmplug build` in tvm_runtime_flutter",
            ),
        )
    return (*_several_runtimes(owners), *_unmet(owners, needed))


def prove_prefixes(prefixes: Mapping[str, str]) -> tuple[Problem, ...]:
    """Prove that no two models can name the same symbol.

    Args:
        prefixes: The prefix of each model plugin, by the plugin's name.
    """
    pairs = itertools.combinations(prefixes.items(), 2)
    return tuple(
        Problem(
            f"{plugin} has the prefix {prefix}, {other} has {taken}: they name the same symbols",
            "Make one of the plugins anew with another prefix",
        )
        for (other, taken), (plugin, prefix) in pairs
        if conflicts(prefix, taken)
    )


def _several_runtimes(owners: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    several: dict[tuple[str, ...], str] = {}
    for name, images in owners.items():
        if len(images) > 1:
            several.setdefault(tuple(images), name)
    for images, name in several.items():
        yield Problem(
            f"there is more than one TVM runtime: {' and '.join(images)} define {name}",
            "Only tvm_runtime_flutter may hold the runtime: take it out of the other, then run "
            "`tvmplug build` there",
        )


def _unmet(
    owners: Mapping[str, Sequence[str]], needed: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    for image, names in needed.items():
        unmet = sorted(n for n in names if n.startswith(RUNTIME_SYMBOLS) and n not in owners)
        if unmet:
            yield Problem(
                f"{image} needs {_several(unmet)}, which the runtime does not have",
                "Update the older of the two plugins with `copier update`, then run "
                "`tvmplug build` in both",
            )


def _counted(link_map: LinkMap) -> Counter[tuple[str, str]]:
    return Counter((found.archive_name, found.member) for found in link_map.objects)


def _shared_archives(images: Sequence[Linked]) -> Iterator[Problem]:
    """Two archives of one name cannot be told apart in a map; they are the same one, twice."""
    owners: dict[str, list[str]] = {}
    for image in images:
        for archive in image.archives:
            owners.setdefault(archive.name, []).append(image.name)
        for name, paths in _paths(image.link_map).items():
            if len(paths) > 1 and any(archive.name == name for archive in image.archives):
                yield Problem(
                    f"{image.name} holds two archives {name}: {' and '.join(paths)}",
                    f"Take one of them out of the link of {image.name}",
                )
    for name, names in owners.items():
        if len(names) > 1:
            where = " and into ".join(dict.fromkeys(names))
            twice = " twice" if len(set(names)) == 1 else ""
            yield Problem(
                f"{name} is linked into {where}{twice}",
                f"Keep one {name}, and run `tvmplug build` for the plugin that has the other",
            )


def _paths(link_map: LinkMap) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in dict.fromkeys(item.archive for item in link_map.objects if item.archive):
        found.setdefault(LinkedObject(path, "").archive_name, []).append(path)
    return found


def _twice(image: Linked, archive: Forced, name: str, times: int) -> Problem:
    return Problem(
        f"{archive.name}({name}) is in {image.name} {times} times",
        f"Name {archive.name} once in the link of {image.name}, then run `tvmplug build`",
    )


def _missing(image: Linked, archive: Forced, names: Sequence[str]) -> Problem:
    whole = len(names) == len(archive.members)
    what = "all objects" if whole else _several(names)
    return Problem(
        f"{image.name} lacks {what} of {archive.name}: what it registers is lost",
        f"Link {archive.name} whole (`--whole-archive`, `-force_load`): run `tvmplug build` for "
        f"{image.name} again",
    )


def _elsewhere(
    image: Linked,
    archive: Forced,
    images: Sequence[Linked],
    places: Mapping[str, Counter[tuple[str, str]]],
) -> Iterator[Problem]:
    for other in images:
        # Who has the archive on purpose is told of as a whole.
        if other is image or any(forced.name == archive.name for forced in other.archives):
            continue
        counted = places[other.name]
        found = [member.name for member in archive.members if counted[archive.name, member.name]]
        if found:
            yield Problem(
                f"{other.name} holds {_several(found)} of {archive.name}, which belongs to "
                f"{image.name}",
                f"Take {archive.name} out of the link of {other.name}, then run `tvmplug build` "
                "there",
            )


def _several(found: Sequence[str]) -> str:
    unique = list(dict.fromkeys(found))
    return ", ".join(unique[:3]) + (f" and {len(unique) - 3} more" if unique[3:] else "")
