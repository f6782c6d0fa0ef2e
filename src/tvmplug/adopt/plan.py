"""Decides what adoption changes in a plugin: from its files and the template's. Pure."""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tvmplug import sync
from tvmplug.adopt import crate, pubspec
from tvmplug.adopt.find import Finding
from tvmplug.adopt.rendering import Rendered
from tvmplug.adopt.rules import CARGO_CONFIG, SOURCE
from tvmplug.adopt.survey import PUBSPEC, File, Survey
from tvmplug.build import bridge
from tvmplug.errors import AdoptError
from tvmplug.manifest import MANIFEST_NAME, Manifest, parse_manifest
from tvmplug.project import Project

BEFORE = ".before-adopt"
_BUNDLE = re.compile(r"((?:.*/)?[^/]+\.(?:xcframework|framework))/.*?")
_IGNORES = (".gitignore", ".pubignore")
_OWN_RULES = "# Your own, from before `tvmplug adopt`."
# A part of the plugin that the author has in another form: then the template's start of it would
# only be in the way. Each is a start's path, and what shows that the author has that part.
_PARTS = (
    (r"example/.*", r"example/.*"),
    (r"test/.*_test\.dart", r"(?:lib/[^/]*\.dart|test/.*)"),
    (r"lib/[^/]*\.dart", r"lib/[^/]*\.dart"),
    (r"rust/src/api\.rs", r"rust/src/api(?:\.rs|/mod\.rs)"),
    (r"model/requirements\.txt", r"model/export\.py"),
    (r"LICENSE", r".*"),  # nobody licenses the author's work for them
    (r"README\.md", r"(?i:README)(?:\.\w+)?"),
    (r"CHANGELOG\.md", r"(?i:CHANGELOG|CHANGES)(?:\.\w+)?"),
)
# Glue of other tools: what it does, a file of the template does from now on.
_SUPERSEDED = (
    (r"android/build\.gradle", "android/build.gradle.kts"),
    (r"android/settings\.gradle", "android/settings.gradle.kts"),
    (r"(?:ios|macos|darwin)/[^/]+\.podspec", "darwin/{name}.podspec"),
    (r"(?:ios|macos|darwin)/[^/]+/Package\.swift", "darwin/{name}/Package.swift"),
)
_BUILDERS = re.compile(r"cargokit/.*|(?:rust/)?cargokit(?:_options)?\.yaml|rust_builder/.*")


class Action(enum.Enum):
    """What happens to a file."""

    ADDED = "added"
    EDITED = "edited"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True)
class Change:
    """What happens to one file.

    Attributes:
        path: Relative to the plugin.
        action: What happens.
        before: The file as it is; None for a new one.
        after: Its new content; None when it is removed.
        why: The reason, for a person.
    """

    path: str
    action: Action
    before: File | None
    after: bytes | None
    why: str

    @property
    def text(self) -> str | None:
        """The new content as text; None when it is removed or no text."""
        try:
            return None if self.after is None else self.after.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class Plan:
    """What adoption does to one plugin.

    Attributes:
        survey: The plugin as it is.
        findings: What is in the way.
        manifest: The plugin as it will be.
        changes: By path.
    """

    survey: Survey
    findings: tuple[Finding, ...]
    manifest: Manifest
    changes: tuple[Change, ...]

    def change_of(self, path: str) -> Change | None:
        """Return what happens to a file; None when it stays as it is."""
        return next((change for change in self.changes if change.path == path), None)


def decide(survey: Survey, findings: Sequence[Finding], rendered: Rendered) -> Plan:
    """Decide what happens to each file of a plugin.

    Args:
        survey: The plugin.
        findings: What was found in it.
        rendered: What the template makes for it.

    Raises:
        AdoptError: A file of the author's is where the template needs a folder, or cannot be read.
    """
    manifest = parse_manifest(rendered.files[MANIFEST_NAME], survey.root)
    removed = {change.path: change for change in _removed(survey, rendered, manifest.name)}
    changes = dict(removed)
    for change in _written(survey, rendered):
        changes[change.path] = change
    for change in _edited(survey, rendered, manifest, removed):
        changes[change.path] = change
    plan = Plan(survey, tuple(findings), manifest, tuple(changes[path] for path in sorted(changes)))
    _check_room(plan)
    return plan


def _removed(survey: Survey, rendered: Rendered, name: str) -> Iterator[Change]:
    kept = [file for file in survey.files if not file.is_ignored]
    runtimes = {file.path for file, _ in survey.runtimes if not file.is_ignored}
    bundles = tuple({f"{found[1]}/" for path in runtimes if (found := _BUNDLE.fullmatch(path))})
    gone = runtimes | {file.path for file in kept if bundles and file.path.startswith(bundles)}
    for file in kept:
        if file.path in runtimes:
            why = "a TVM runtime; tvm_runtime_flutter brings the one that all share"
        elif file.path in gone:
            why = "a part of the runtime's framework"
        elif file.target is not None and _leads_to(file, gone):
            why = "leads to a runtime that is removed"
        elif _BUILDERS.fullmatch(file.path):
            why = "`tvmplug build` makes the library once, instead of every app's build"
        elif successor := _successor(file.path, rendered, name):
            why = f"{successor} takes its place"
        else:
            continue
        yield Change(file.path, Action.REMOVED, file, None, why)


def _successor(path: str, rendered: Rendered, name: str) -> str | None:
    for pattern, template in _SUPERSEDED:
        successor = template.format(name=name)
        if successor in rendered.files and path != successor and re.fullmatch(pattern, path):
            return successor
    return None


def _leads_to(link: File, gone: Iterable[str]) -> bool:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target or ""))
    return any(path == target or path.startswith(f"{target}/") for path in gone)


def _written(survey: Survey, rendered: Rendered) -> Iterator[Change]:
    for path, content in rendered.files.items():
        own = survey.by_path.get(path)
        if path in rendered.starters:
            if own is None and not _has_part(survey, path):
                yield Change(path, Action.ADDED, None, content, "a start that is yours to change")
            continue
        if own is None:
            yield Change(path, Action.ADDED, None, content, "the template's")
            continue
        if path in _IGNORES:
            content = _with_own_rules(content, own)  # noqa: PLW2901
        if own.text is None or own.text.encode() != content:
            yield Change(path, Action.REPLACED, own, content, "the template's, from now on")
            if SOURCE.fullmatch(path) and not path.endswith("build.rs") and own.text is not None:
                yield Change(
                    path + BEFORE, Action.ADDED, None, own.text.encode(),
                    f"what {path} was: it is yours, and no compiler reads it here",
                )  # fmt: skip


def _has_part(survey: Survey, start: str) -> bool:
    for pattern, sign in _PARTS:
        if re.fullmatch(pattern, start):
            return any(re.fullmatch(sign, file.path) for file in survey.files)
    return False


def _with_own_rules(content: bytes, own: File) -> bytes:
    """An ignore file of the template's with the author's rules: secrets may depend on them."""
    there = set(content.decode().splitlines())
    rules = [line for line in own.lines if line.strip() and line not in there]
    rules = [line for line in rules if not line.startswith("#")]
    if not rules:
        return content
    # After the first line, where updates change nothing: they like to add to the end.
    owner, _, rest = content.decode().partition("\n")
    return "\n".join([owner, _OWN_RULES, *rules, "", rest]).encode()


def _edited(
    survey: Survey, rendered: Rendered, manifest: Manifest, removed: Iterable[str]
) -> Iterator[Change]:
    runtime = Project(manifest).model.runtime
    gone = set(removed)
    bridged = bridge.CONFIGURATION in rendered.files
    left = [file.path for file in survey.files if file.path not in gone]
    for file in survey.files:
        if file.text is None or file.is_ignored or file.path in gone:
            continue
        if file.path == PUBSPEC:
            after = pubspec.edited(
                file.text, rendered.text(PUBSPEC), runtime, gone, left, bridged=bridged
            )
            why = "uses the one runtime and the template's glue"
        elif file.path == sync.CARGO:
            after = crate.edited(file.text, manifest.name, runtime, bridged=bridged)
            why = "uses the one runtime's crate, none of TVM's own"
        elif CARGO_CONFIG.fullmatch(file.path):
            after = crate.without_variables(file.text, file.path)
            why = "names no other TVM"
        else:
            continue
        if after != file.text:
            yield Change(file.path, Action.EDITED, file, after.encode(), why)


def _check_room(plan: Plan) -> None:
    """Refuse a plan that would need a folder where a file stays, or the other way round."""
    gone = {change.path for change in plan.changes if change.action is Action.REMOVED}
    stays = {file.path: file for file in plan.survey.files if file.path not in gone}
    folders = {parent for path in stays for parent in _parents(path)}
    for change in plan.changes:
        if change.after is None:
            continue
        in_the_way = next((parent for parent in _parents(change.path) if parent in stays), None)
        if in_the_way is None and change.path in folders:
            raise AdoptError(
                f"{change.path} is a folder, and the template has a file of that name",
                mend=f"Rename it: git mv {change.path} NEW_NAME",
            )
        if in_the_way is not None:
            what = "a link" if stays[in_the_way].target is not None else "a file"
            raise AdoptError(
                f"{in_the_way} is {what}, and the template has a folder of that name",
                mend=f"Rename it: git mv {in_the_way} NEW_NAME",
            )


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
