"""ADOPT.md, which an adoption leaves in the plugin: what was done, and what is left to do. Pure."""

from __future__ import annotations

import posixpath

from tvmplug import sync
from tvmplug.adopt.byhand import tasks
from tvmplug.adopt.plan import Action, Plan
from tvmplug.manifest import RuntimePath
from tvmplug.project import Project

ADOPT = "ADOPT.md"
_TITLES = {
    Action.REPLACED: "Replaced by the template's",
    Action.REMOVED: "Removed",
    Action.EDITED: "Edited",
}


def document(plan: Plan, former: str) -> str:
    """Return the text.

    Args:
        plan: The adoption.
        former: The branch or commit that still has everything as it was.
    """
    lines = [
        f"# {plan.manifest.name} uses the one TVM runtime now",
        "",
        "Written by `tvmplug adopt`; delete it when nothing is left to do. A file as it was:",
        f"`git show {former}:./PATH`.",
        "",
        "## To do by hand",
        "",
        *(f"- [ ] `{task.place}`: {task.what}. {task.do}." for task in tasks(plan)),
        "",
        "## Then",
        "",
        "```sh",
        *next_steps(plan),
        "```",
    ]
    for action, title in _TITLES.items():
        found = [change for change in plan.changes if change.action is action]
        if found:
            lines += ["", f"## {title}", ""]
            lines += [f"- `{change.path}`: {change.why}" for change in found]
    return "\n".join([*lines, ""])


def next_steps(plan: Plan) -> list[str]:
    """Return the commands that bring an adopted plugin to life, for its own folder."""
    steps = []
    runtime, root = Project(plan.manifest).model.runtime, plan.manifest.runtime_root
    if isinstance(runtime, RuntimePath) and root is not None and not root.is_dir():
        beside = posixpath.dirname(runtime.path) or "."
        steps.append(f"(cd {beside} && tvmplug new runtime {sync.RUNTIME_PLUGIN})")
    if root is not None:
        steps.append("tvmplug registry add")
    return [*steps, "tvmplug build", "tvmplug test", "tvmplug check"]
