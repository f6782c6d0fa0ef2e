"""Finds in a plugin what cannot live beside a second model plugin. Pure: works on a survey."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tvmplug.adopt import pubspec, rules
from tvmplug.adopt.survey import PUBSPEC, File, Survey
from tvmplug.pins import PINS

_LISTED = 2
_CARGO = re.compile(r"(?:.*/)?Cargo\.toml")
_CRATE = re.compile(rf"\s*(?P<name>{'|'.join(rules.CRATES)})\s*[=.]")
_CRATE_TABLE = re.compile(
    rf"\s*\[(?:.*\.)?(?:dev-|build-)?dependencies\.(?P<name>{'|'.join(rules.CRATES)})\]"
)
_MINIMUM = re.compile(r"minSdk(?:Version)?\s*(?:=\s*)?(?P<level>\d+)\b")
_BUILDERS = {
    "cargokit": "builds the crate inside every app's own build",
    "rust_builder": "builds the crate inside every app's own build",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is in the way.

    Attributes:
        kind: A short name for its sort, such as `runtime` or `force-load`.
        path: The file, relative to the plugin.
        line: Where in it, counted from 1; None where the whole file is meant.
        what: What was found.
        why: What goes wrong with it in an app with two models.
        text: The line itself; empty where the whole file is meant.
        about_tvm: Whether it says that the plugin has a TVM of its own.
    """

    kind: str
    path: str
    line: int | None
    what: str
    why: str
    text: str = ""
    about_tvm: bool = True

    @property
    def place(self) -> str:
        """File and line, as editors take them."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


def find(survey: Survey, elsewhere: Iterable[tuple[str, Survey]] = ()) -> tuple[Finding, ...]:
    """Find everything in one plugin.

    Args:
        survey: The plugin.
        elsewhere: Name and survey of each other plugin beside it, whose copies of the same
            library are named.

    Returns:
        The findings by kind and path; nothing where the plugin has no TVM of its own.
    """
    found = [
        *_runtimes(survey),
        *_copies(survey, tuple(elsewhere)),
        *_models(survey),
        *_packed(survey),
        *_unread(survey),
        *(each for file in survey.files for each in _lines(file, rules.RULES)),
        *(each for file in survey.files for each in _crates(file)),
        *(each for file in survey.files for each in _sources(file)),
    ]
    if not any(finding.about_tvm for finding in found):
        return ()
    found += [*_builders(survey), *_gradle(survey), *_pubspec(survey)]
    return tuple(found)


def megabytes(size: int) -> str:
    """Return a size in bytes in a person's words."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _runtimes(survey: Survey) -> Iterator[Finding]:
    for file, binary in survey.runtimes:
        functions = binary.runtime
        rest = f" and {len(functions) - _LISTED} more" if len(functions) > _LISTED else ""
        with_model = ", and a compiled model with it" if binary.has_model else ""
        yield Finding(
            "runtime", file.path, None,
            f"a TVM runtime ({binary.what}, {megabytes(file.size)}): defines "
            f"{', '.join(functions[:_LISTED])}{rest}{with_model}",
            "static, it defines the same symbols as the next plugin's; dynamic, one of the two is "
            "loaded and the other's models run on it",
        )  # fmt: skip


def _copies(survey: Survey, elsewhere: Sequence[tuple[str, Survey]]) -> Iterator[Finding]:
    """The same runtime again, byte for byte or symbol for symbol."""
    first: dict[str, str] = {}
    for name, other in elsewhere:
        for file, binary in other.runtimes:
            first.setdefault(file.sha256, f"{name}/{file.path}")
            first.setdefault(binary.contents, f"{name}/{file.path}")
    for file, binary in survey.runtimes:
        same = first.get(file.sha256)
        if alike := same or first.get(binary.contents):
            how = "byte for byte" if same else "with the same symbols"
            yield Finding(
                "copy", file.path, None, f"the same library as {alike}, {how}",
                "an app downloads, and may load, every copy",
            )  # fmt: skip
        first.setdefault(file.sha256, file.path)
        first.setdefault(binary.contents, file.path)


def _models(survey: Survey) -> Iterator[Finding]:
    for file, binary in survey.models:
        prefixes = binary.components
        named = ", ".join(prefix or "no prefix" for prefix in prefixes) or "no prefix"
        bare = "" in prefixes or not prefixes
        yield Finding(
            "model", file.path, None,
            f"a compiled model ({binary.what}, {megabytes(file.size)}), symbols with {named}",
            "two models without a prefix overwrite each other's functions" if bare else
            "it was compiled by another TVM than the one that the family pins",
        )  # fmt: skip


def _packed(survey: Survey) -> Iterator[Finding]:
    for file in survey.files:
        runtimes = [name for name, binary in file.packed if binary.runtime]
        if runtimes:
            rest = f" and {len(runtimes) - 1} more" if len(runtimes) > 1 else ""
            yield Finding(
                "packed", file.path, None, f"holds a TVM runtime ({runtimes[0]}{rest})",
                "apps get it from there, beside the one that all share",
            )  # fmt: skip


def _unread(survey: Survey) -> Iterator[Finding]:
    for file in survey.files:
        library = re.search(r"\.(?:a|so|dylib)$|\.framework/", file.path)
        if file.is_elsewhere and library:
            yield Finding(
                "unread", file.path, None, "only its address is here: git LFS keeps the library",
                "nobody can say whether it is a runtime; `git lfs pull`, then look again",
                about_tvm=False,
            )  # fmt: skip
        elif file.binary is not None and file.binary.problem:
            yield Finding(
                "unread", file.path, None, f"its symbols cannot be read: {file.binary.problem}",
                "nobody can say whether it is a runtime", about_tvm=False,
            )  # fmt: skip


def _lines(file: File, table: Sequence[rules.Rule]) -> Iterator[Finding]:
    """What a table of rules finds in a file; a line that two rules know is told once by each."""
    matching = [rule for rule in table if rule.files.fullmatch(file.path)]
    if not matching:
        return
    for number, line in enumerate(file.lines, 1):
        if rules.is_comment(line):
            continue
        for rule in matching:
            if found := rule.pattern.search(line):
                named = " ".join(found[1].split())
                # Home folders and Gradle's habits are wrong in any plugin, and no sign of TVM.
                about_tvm = rule.kind not in ("home-path", "gradle", "force-load")
                yield Finding(
                    rule.kind, file.path, number, rule.what.format(named), rule.why,
                    line.strip(), about_tvm or "tvm" in line.lower(),
                )  # fmt: skip


def _sources(file: File) -> Iterator[Finding]:
    """The first rule of a line counts: who opens a library also names it."""
    told: set[int | None] = set()
    if file.path.endswith(("build.rs", "Package.swift")):
        return
    for rule in rules.SOURCE_RULES:
        for finding in _lines(file, [rule]):
            if finding.line not in told:
                told.add(finding.line)
                yield finding


def _crates(file: File) -> Iterator[Finding]:
    if not _CARGO.fullmatch(file.path):
        return
    for number, line in enumerate(file.lines, 1):
        if found := _CRATE.match(line) or _CRATE_TABLE.match(line):
            yield Finding(
                "crate", file.path, number, f"depends on the crate {found['name']}",
                "it looks for a TVM of its own when it is built, and links it",
                line.strip(),
            )  # fmt: skip


def _builders(survey: Survey) -> Iterator[Finding]:
    for folder, what in _BUILDERS.items():
        inside = [file for file in survey.files if file.path.startswith(f"{folder}/")]
        if inside:
            yield Finding(
                "builder", folder, None, f"{what} ({len(inside)} files)",
                "every app needs Rust, and links what lies on that machine; `tvmplug build` "
                "makes the library once",
            )  # fmt: skip


def _gradle(survey: Survey) -> Iterator[Finding]:
    for name in ("android/build.gradle", "android/build.gradle.kts"):
        file = survey.by_path.get(name)
        if file is None or file.text is None:
            continue
        if not re.search(r"^\s*namespace\b", file.text, re.M):
            yield Finding(
                "gradle", name, None, "names no namespace",
                "Android's Gradle plugin needs one since version 8",
            )  # fmt: skip
        least = int(PINS.minimum_os["android"])
        for number, line in enumerate(file.lines, 1):
            found = _MINIMUM.search(line)
            if found and int(found["level"]) < least:
                yield Finding(
                    "gradle", name, number,
                    f"minSdk {found['level']}; the shared runtime needs {least}",
                    "an app that the runtime is built into would not install there", line.strip(),
                )  # fmt: skip


def _pubspec(survey: Survey) -> Iterator[Finding]:
    file = survey.by_path.get(PUBSPEC)
    if file is None or file.text is None:
        return
    for problem in pubspec.problems(file.text, {file.path for file, _ in survey.runtimes}):
        text = file.lines[problem.line - 1].strip() if problem.line else ""
        yield Finding(problem.kind, PUBSPEC, problem.line, problem.what, problem.why, text)
