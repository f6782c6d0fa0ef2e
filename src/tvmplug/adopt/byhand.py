"""What only the author can do after an adoption: a list with file and line, and ADOPT.md. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tvmplug import sync
from tvmplug.adopt import crate
from tvmplug.adopt.find import Finding
from tvmplug.adopt.plan import BEFORE, Action, Plan
from tvmplug.adopt.rules import SOURCE, is_comment
from tvmplug.project import Project

ADOPT = "ADOPT.md"
_NATIVE_CLASS = re.compile(r"\bclass\s+(\w+)\s*(?:\(.*\))?\s*:.*\bFlutterPlugin\b|@interface (\w+)")
_LEFT_OUT = (
    (re.compile(r".*\.podspec"), re.compile(
        r"\.(?:dependency\s+['\"](?!Flutter|FlutterMacOS|tvm)[^'\"]+['\"]"
        r"|frameworks?\s*=.*|weak_frameworks?\s*=.*|librar(?:y|ies)\s*=.*|resources?\s*=.*)")),
    (re.compile(r".*\.gradle(?:\.kts)?"), re.compile(
        r"(?:implementation|api|compileOnly)\b(?!.*(?:kotlin-stdlib|\btvm|mlc)).*"
        r"|externalNativeBuild\b.*|buildFeatures\b.*")),
    (re.compile(r"linux/CMakeLists\.txt"), re.compile(
        r"find_package\(.*|pkg_check_modules\(.*|add_library\(.*")),
)  # fmt: skip
_MODULE = re.compile(r"\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+(\w+)\s*;")
_DO = {
    "loads-runtime": "Drop it: opening a model loads the one runtime",
    "names-runtime": "Drop the name; if it is a path to a model, `tvmplug build` embeds the model",
    "tvm-api": "Call the model through `Session` of the crate tvm_runtime_flutter",
    "model": "Delete it when model/export.py makes the model: `tvmplug build` compiles it anew",
    "unread": "Look at it yourself; if it is a runtime, delete it",
    "runtime": "git does not keep it: delete it from the folder, or an app may still take it along",
    "copy": "git does not keep it: delete it from the folder",
    "pubspec": "Take the platform out, or keep building for it yourself",
    "crate": "Drop the dependency; only the crate in rust/ may reach TVM",
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
        if inside and all(_is_removed(file.path, plan) for file in inside):
            return "removed"
        return "by hand"
    if change.action is Action.REMOVED:
        return f"removed: {change.why}" if "takes its place" in change.why else "removed"
    if change.action is Action.REPLACED:
        return "replaced by the template's file"
    after = {line.strip() for line in (change.text or "").splitlines()}
    return "by hand" if finding.text and finding.text in after else "edited"


def tasks(plan: Plan) -> tuple[Task, ...]:
    """Return what is left to do by hand, in the order in which to do it."""
    return (
        *_model(plan),
        *_rust(plan),
        *_dart(plan),
        *_classes(plan),
        *_left_out(plan),
        *(
            Task(finding.place, finding.what, _DO.get(finding.kind, _DO_OTHERWISE))
            for finding in plan.findings
            if outcome(finding, plan) == "by hand"
        ),
    )


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


def _rust(plan: Plan) -> Iterator[Task]:
    old = plan.survey.by_path.get("rust/src/lib.rs")
    api = "rust/src/api.rs"
    if api in plan.survey.by_path or "rust/src/api/mod.rs" in plan.survey.by_path:
        path = api if api in plan.survey.by_path else "rust/src/api/mod.rs"
        if not re.search(r"tvm_runtime_flutter::Model\b", plan.survey.text(path)):
            yield Task(
                path, "has no `Model` that the template's rust/src/lib.rs exports",
                "Implement `tvm_runtime_flutter::Model` for a struct `Model`, and list what Dart "
                "may call in `methods!`",
            )  # fmt: skip
    if old is not None and plan.change_of("rust/src/lib.rs") is not None:
        for number, line in enumerate(old.lines, 1):
            found = _MODULE.match(line)
            if found and found[1] != "api":
                yield Task(
                    f"rust/src/lib.rs{BEFORE}:{number}", f"declared the module {found[1]}",
                    f"If it is still needed, declare it in {api}: "
                    f'#[path = "{found[1]}.rs"] mod {found[1]};',
                )  # fmt: skip
    renamed = crate.package_name(plan.survey.text(sync.CARGO))
    if renamed is not None and renamed != plan.manifest.name:
        yield Task(
            sync.CARGO, f"the crate was called {renamed}",
            f"Say {plan.manifest.name} where another crate, a test or a script uses the old name",
        )  # fmt: skip


def _dart(plan: Plan) -> Iterator[Task]:
    path = f"lib/{plan.manifest.name}.dart"
    if path in plan.survey.by_path and "src/plugin.dart" not in plan.survey.text(path):
        yield Task(
            path, "does not use the plugin's library yet",
            "Import src/plugin.dart, open the model with `plugin.openModel()`, and call the "
            "methods of rust/src/api.rs by name",
        )  # fmt: skip


def _classes(plan: Plan) -> Iterator[Task]:
    """The author's own classes that Flutter registered until now."""
    for file in plan.survey.files:
        folder = file.path.partition("/")[0]
        if folder not in ("android", "ios", "macos", "darwin", "linux") or _is_removed(
            file.path, plan
        ):
            continue
        if not SOURCE.fullmatch(file.path) or plan.change_of(file.path) is not None:
            continue
        for number, line in enumerate(file.lines, 1):
            if found := _NATIVE_CLASS.search(line):
                channel = next((n for n, each in enumerate(file.lines, 1)
                                if re.search(r"(?:Method|Event)Channel", each)
                                and not each.lstrip().startswith("import")), None)  # fmt: skip
                kept = f" (a channel in line {channel})" if channel else ""
                yield Task(
                    f"{file.path}:{number}", f"the class {found[1] or found[2]}{kept}, which "
                    "Flutter no longer registers",
                    "Delete it if it only loaded the library; else move what it does to Dart or to "
                    "rust/src/api.rs",
                )  # fmt: skip
                break


def _left_out(plan: Plan) -> Iterator[Task]:
    """What replaced glue brought into apps besides TVM."""
    for change in plan.changes:
        if change.before is None or change.action is Action.ADDED:
            continue
        if change.path.startswith(("cargokit/", "rust_builder/", "example/")):
            continue
        for files_, pattern in _LEFT_OUT:
            if not files_.fullmatch(change.path):
                continue
            for number, line in enumerate(change.before.lines, 1):
                found = None if is_comment(line) else pattern.search(line)
                if found and "tvm" not in line.lower():
                    where = change.path if change.after is not None else _successor(change.why)
                    yield Task(
                        f"{change.path}:{number}", " ".join(found[0].split()),
                        f"Add it to {where} if you still need it: an update keeps your line",
                    )  # fmt: skip


def _successor(why: str) -> str:
    return why.partition(" takes its place")[0]


def document(plan: Plan, former: str) -> str:
    """Return ADOPT.md: what was done, what is left, and how to go on.

    Args:
        plan: The adoption.
        former: The branch or commit that still has everything.
    """
    name = plan.manifest.name
    lines = [
        f"# {name} uses the one TVM runtime now", "",
        "Written by `tvmplug adopt`. Delete it when nothing is left to do. Everything as it was "
        f"is in `{former}`:", f"`git show {former}:PATH`.", "",
        "## To do by hand", "",
    ]  # fmt: skip
    for task in tasks(plan):
        lines.append(f"- [ ] `{task.place}`: {task.what}. {task.do}.")
    lines += ["", "Then, in this folder:", "", "```sh", *next_steps(plan), "```", ""]
    for action, title in (
        (Action.REPLACED, "Replaced by the template's"), (Action.REMOVED, "Removed"),
        (Action.EDITED, "Edited"),
    ):  # fmt: skip
        found = [change for change in plan.changes if change.action is action]
        if found:
            lines += [f"## {title}", ""]
            lines += [f"- `{change.path}`: {change.why}" for change in found] + [""]
    return "\n".join(lines)


def next_steps(plan: Plan) -> list[str]:
    """Return the commands that bring an adopted plugin to life."""
    steps = []
    runtime = plan.manifest.runtime_root
    if runtime is not None and not runtime.is_dir():
        steps.append(f"(cd {runtime.parent} && tvmplug new runtime {sync.RUNTIME_PLUGIN})")
    return [*steps, "tvmplug registry add", "tvmplug build", "tvmplug test", "tvmplug check"]
