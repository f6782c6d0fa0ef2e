"""What only the author can do after an adoption: a list with file and line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tvmplug import sync
from tvmplug.adopt import crate
from tvmplug.adopt.find import Finding
from tvmplug.adopt.plan import BEFORE, Action, Change, Plan
from tvmplug.adopt.rules import BUILD_SCRIPT, SOURCE, is_comment
from tvmplug.adopt.survey import LICENSES, PUBSPEC
from tvmplug.build import bridge
from tvmplug.pins import PINS
from tvmplug.project import Project

BY_HAND = "by hand"
_API = ("rust/src/api/mod.rs", "rust/src/api.rs")  # the last one is the template's
_NOT_PUBLISHED = "publish_to"
_BRIDGE_START = "lib/src/bridge.dart"  # of a template whose calls go over the bridge
_BRIDGE_INIT = re.compile(r"\bRustLib\.init\(")
_GENERATED_DART = re.compile(rf"(?!{bridge.DART_OUTPUT}/)lib/.*frb_generated[^/]*\.dart")
_NATIVE = ("android/", "ios/", "macos/", "darwin/", "linux/")
_NATIVE_CLASS = re.compile(r"\bclass\s+(\w+)\b.*\bFlutterPlugin\b|@interface\s+(\w+)")
_CHANNEL = re.compile(r"(?:Method|Event)Channel\(")
_MODULE = re.compile(r"\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+(\w+)\s*;")
_GENERATED_MODULE = re.compile(r"(?:frb|bridge)_generated")
# What glue brings into apps besides TVM, by its file; the template's own has none of it.
_BROUGHT = (
    (re.compile(r".*\.podspec"), re.compile(
        r"s\.(?:\w+\.)?(?:dependency\s+['\"](?!Flutter|FlutterMacOS|tvm)[^'\"]+['\"]"
        r"|(?:weak_)?frameworks?\s*=.*|librar(?:y|ies)\s*=.*|resources?\s*=.*)")),
    (re.compile(r"android/[^/]+\.gradle(?:\.kts)?"), re.compile(
        r"\b(?:implementation|api|compileOnly)\b(?!.*(?:kotlin-stdlib|tvm|mlc)).*"
        r"|\bexternalNativeBuild\b.*")),
    (re.compile(r".*/AndroidManifest\.xml"), re.compile(
        r"<(?:uses-permission|uses-feature|service|receiver|provider|activity|meta-data)\b.*")),
    (re.compile(r"linux/CMakeLists\.txt"), re.compile(
        r"(?:find_package|pkg_check_modules|add_library)\s*\(.*")),
)  # fmt: skip
_DO = {
    "loads-runtime": "Drop it: opening a model loads the one runtime",
    "names-runtime": "Drop the name: the runtime needs none, and models are built into the library",
    "tvm-api": "Call the model through a `Session` of the crate tvm_runtime_flutter",
    "model": "Delete it when model/export.py makes the model: `tvmplug build` compiles it anew",
    "packed": "Take the runtime out of it, or delete it if nothing else in it is needed",
    "unread": "Look at it yourself: if it is a runtime, delete it",
    "runtime": "git does not keep it: delete it from the folder, or apps still take it along",
    "copy": "git does not keep it: delete it from the folder",
    "pubspec": "Take the platform out, or go on building for it yourself",
    "crate": "Drop the dependency: only the crate in rust/ reaches TVM",
    "builder": "It is a repository of its own here (a submodule): `git rm` it",
}
_DO_OTHERWISE = "Delete what builds or links TVM here: `tvmplug build --target ...` does that now"


@dataclass(frozen=True)
class Task:
    """One thing to do by hand.

    Attributes:
        place: File and line.
        what: What is there.
        do: What to do about it.
    """

    place: str
    what: str
    do: str


def outcome(finding: Finding, plan: Plan) -> str:
    """Return what becomes of a finding: how it is mended, or `by hand`."""
    change = plan.change_of(finding.path)
    if change is None:
        inside = [file for file in plan.survey.files if file.path.startswith(f"{finding.path}/")]
        gone = bool(inside) and all(_is_removed(file.path, plan) for file in inside)
        return "removed" if gone or finding.kind == "asset" else BY_HAND
    if change.action is not Action.EDITED:
        return str(change.action.value)
    if finding.kind == "asset":  # the entry stays where other files of that folder do
        return "removed"
    after = {line.strip() for line in (change.text or "").splitlines()}
    return BY_HAND if finding.text and finding.text in after else str(change.action.value)


def tasks(plan: Plan) -> tuple[Task, ...]:
    """Return what is left to do by hand, in the order in which to do it; one task a place."""
    found = [
        *_model(plan),
        *_rust(plan),
        *_dart(plan),
        *_classes(plan),
        *_brought(plan),
        *_callers(plan),
        *(
            Task(finding.place, finding.what, _DO.get(finding.kind, _DO_OTHERWISE))
            for finding in plan.findings
            if outcome(finding, plan) == BY_HAND
        ),
        *_license(plan),
        *_publishing(plan),
    ]
    return tuple(_one_a_place(found))


def _one_a_place(found: Iterable[Task]) -> Iterator[Task]:
    by_place: dict[str, Task] = {}
    for task in found:
        first = by_place.get(task.place)
        if first is None:
            by_place[task.place] = task
        elif task.what not in first.what:
            do = first.do if task.do in first.do else f"{first.do}. {task.do}"
            by_place[task.place] = replace(first, what=f"{first.what}; {task.what}", do=do)
    yield from by_place.values()


def _is_removed(path: str, plan: Plan) -> bool:
    change = plan.change_of(path)
    return change is not None and change.action is Action.REMOVED


def _model(plan: Plan) -> Iterator[Task]:
    if plan.change_of("model/export.py") is not None:
        components = ", ".join(Project(plan.manifest).model.components)
        compiled = [file.path for file, _ in plan.survey.models]
        found = f" ({compiled[0]} was compiled from it)" if compiled else ""
        yield Task(
            "model/export.py", f"a start with random weights for {components}",
            f"Hand over your own model{found}, with example inputs and its outputs",
        )  # fmt: skip


def _api(plan: Plan) -> str:
    """Where the crate's API is: the author's file, or the template's start."""
    return next((path for path in _API if path in plan.survey.by_path), _API[-1])


def _rust(plan: Plan) -> Iterator[Task]:
    path = _api(plan)
    bridged = plan.change_of(_BRIDGE_START) is not None
    if (
        not bridged
        and path in plan.survey.by_path
        and "tvm_runtime_flutter" not in plan.survey.text(path)
    ):
        yield Task(
                path, "has no `Model` for the template's rust/src/lib.rs to export",
                "Write one that implements `tvm_runtime_flutter::Model`, and name in `methods!` "
                "what Dart may call",
            )  # fmt: skip
    old = plan.survey.by_path.get("rust/src/lib.rs")
    if old is not None and plan.change_of(old.path) is not None:
        yield from _modules(old.path, old.lines)
    if bridged:
        yield from _bridge(plan)
    elif bridge.CONFIGURATION in plan.survey.by_path:
        yield Task(
            bridge.CONFIGURATION,
            "flutter_rust_bridge's generated code is no part of the crate any more",
            f"Name its functions in `methods!` of {_api(plan)}, call them from Dart by "
            "`TvmModel.call`, then delete it and what it generated",
        )  # fmt: skip
    renamed = crate.package_name(plan.survey.text(sync.CARGO))
    if renamed is not None and renamed != plan.manifest.name:
        yield Task(
            sync.CARGO, f"the crate was called {renamed}",
            f"Say {plan.manifest.name} where another crate, a test or a script has the old name",
        )  # fmt: skip


def _bridge(plan: Plan) -> Iterator[Task]:
    """The bridge stays, with the template's configuration."""
    yield Task(
        bridge.CONFIGURATION,
        f"code is generated into {bridge.DART_OUTPUT}/, by version {PINS.frb} of the bridge",
        "Carry over what your former one set, run `tvmplug build`, and import from src/rust/",
    )  # fmt: skip
    for file in plan.survey.files:
        if _GENERATED_DART.fullmatch(file.path):
            yield Task(file.path, "was generated there before", "Delete it")
        elif file.path.endswith(".dart") and plan.change_of(file.path) is None:
            for number, line in enumerate(file.lines, 1):
                if _BRIDGE_INIT.search(line):
                    yield Task(
                        f"{file.path}:{number}", "starts the bridge over whatever library it finds",
                        "Call `startBridge()` of lib/src/bridge.dart instead",
                    )  # fmt: skip


def _modules(path: str, lines: Iterable[str]) -> Iterator[Task]:
    """The modules that the author's lib.rs declared, which only api.rs can do from now on."""
    for number, line in enumerate(lines, 1):
        found = _MODULE.match(line)
        if found and found[1] != "api" and not _GENERATED_MODULE.fullmatch(found[1]):
            yield Task(
                f"{path}{BEFORE}:{number}", f"declared the module {found[1]}",
                "If it is still needed, declare it in rust/src/api.rs: "
                f'`#[path = "{found[1]}.rs"] mod {found[1]};`',
            )  # fmt: skip


def _dart(plan: Plan) -> Iterator[Task]:
    path = f"lib/{plan.manifest.name}.dart"
    if plan.change_of(_BRIDGE_START) is not None:
        return
    if path in plan.survey.by_path and "src/plugin.dart" not in plan.survey.text(path):
        yield Task(
            path, "does not use the plugin's library yet",
            "Import src/plugin.dart, open the model with `plugin.openModel()`, and call the "
            f"methods of {_api(plan)} by name",
        )  # fmt: skip


def _classes(plan: Plan) -> Iterator[Task]:
    """The author's own classes that Flutter registered until now."""
    for file in plan.survey.files:
        if not file.path.startswith(_NATIVE) or not SOURCE.fullmatch(file.path):
            continue
        if plan.change_of(file.path) is not None:
            continue
        numbered = list(enumerate(file.lines, 1))
        found = next(((n, m) for n, line in numbered if (m := _NATIVE_CLASS.search(line))), None)
        if found is None:
            continue
        channel = next((n for n, line in numbered if _CHANNEL.search(line)), None)
        has_channel = f" (it has a channel, line {channel})" if channel else ""
        name = found[1][1] or found[1][2]
        yield Task(
            f"{file.path}:{found[0]}",
            f"Flutter no longer registers the class {name}{has_channel}",
            "Move what it does to Dart or to rust/src/api.rs" if channel else
            "Delete it if it does no more than load the library",
        )  # fmt: skip


def _brought(plan: Plan) -> Iterator[Task]:
    """What glue that goes brought into apps besides TVM."""
    for change in plan.changes:
        if change.before is None or change.path.startswith(("cargokit/", "rust_builder/")):
            continue
        for files, pattern in _BROUGHT:
            if not files.fullmatch(change.path):
                continue
            for number, line in enumerate(change.before.lines, 1):
                found = None if is_comment(line) else pattern.search(line)
                if found and "tvm" not in line.lower() and found[0] not in (change.text or ""):
                    yield Task(
                        f"{change.path}:{number}", f"`{' '.join(found[0].split())}`",
                        f"Add it to {_successor(change)} if apps still need it; an update keeps it",
                    )  # fmt: skip


def _successor(change: Change) -> str:
    return change.path if change.after is not None else change.why.partition(" takes its place")[0]


def _callers(plan: Plan) -> Iterator[Task]:
    """Build scripts that stay and call a builder that goes."""
    for name in ("cargokit", "rust_builder"):
        if not any(_is_removed(file.path, plan) for file in plan.survey.files
                   if file.path.startswith(f"{name}/")):  # fmt: skip
            continue
        for file in plan.survey.files:
            if not BUILD_SCRIPT.fullmatch(file.path) or plan.change_of(file.path) is not None:
                continue
            for number, line in enumerate(file.lines, 1):
                if name in line and not is_comment(line):
                    yield Task(
                        f"{file.path}:{number}", f"calls {name}, which is gone",
                        "Take the line out, and bring the library there in your own way",
                    )  # fmt: skip


def _license(plan: Plan) -> Iterator[Task]:
    if not any(re.fullmatch(LICENSES, file.path) for file in plan.survey.files):
        yield Task(
            "LICENSE", "there is none, and CocoaPods and pub.dev ask for one",
            "Write the one that you choose, and tell the template: `copier update --trust --data "
            "license=...`",
        )  # fmt: skip


def _publishing(plan: Plan) -> Iterator[Task]:
    change = plan.change_of(PUBSPEC)
    if change is None or change.before is None or _NOT_PUBLISHED in (change.before.text or ""):
        return
    if f"{_NOT_PUBLISHED}: none" in (change.text or ""):
        yield Task(
            PUBSPEC, f"`{_NOT_PUBLISHED}: none`, because pub publishes nothing that depends on a "
            "folder or a git repository",
            "To publish it, have the runtime plugin published first, then run "
            "`copier update --trust --data runtime_from=hosted` and take the line out",
        )  # fmt: skip
