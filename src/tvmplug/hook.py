"""What happens right after generation and after an update: register, build, test.

Only a prefix that cannot be had stops a generation. Everything else leaves the project whole and
says how to finish later.
"""

from __future__ import annotations

from rich.markup import escape

from tvmplug import output, registry, sync
from tvmplug.bootstrap import command_name
from tvmplug.build import steps
from tvmplug.build.apple import pack
from tvmplug.build.staging import human_size
from tvmplug.errors import ToolError, TvmplugError
from tvmplug.project import Project
from tvmplug.targets import host_target


def run_hook(project: Project, *, updated: bool) -> None:
    """Bring a plugin that was just generated or updated to the state in which it works.

    Args:
        project: The plugin.
        updated: True after an update, whose build problems must not stop it half way.

    Raises:
        RegistryError: On a copy: the prefix is taken, or the registry is wrong.
    """
    if updated:
        _in_step(project)
    if project.is_model:
        _register(project, updated=updated)
    _build(project)


def _in_step(project: Project) -> None:
    try:
        for name in sync.sync_project(project):
            output.say(f"tvmplug: {name} names the runtime plugin of this template version")
    except TvmplugError as error:
        _warn(project, "the runtime plugin's requirement was not set", error, "sync")


def _register(project: Project, *, updated: bool) -> None:
    path = registry.locate_registry(project.manifest)
    prefix = project.model.prefix
    if path is None:
        _notice(
            f"prefix {prefix} is not registered: the runtime plugin is not on this machine. "
            f"Where it is, run: {command_name()} registry add {project.name} {prefix} "
            "--registry PATH"
        )
        return
    try:
        if registry.register(path, project.name, prefix):
            output.say(f"tvmplug: {project.name} holds prefix {prefix} in {path}")
    except TvmplugError as error:
        if not updated:
            raise
        _warn(project, f"prefix {prefix} is not registered", error, "registry add")


def _build(project: Project) -> None:
    """Build and test for this machine; a missing tool or a failing build is told, not raised."""
    try:
        target = host_target()
    except TvmplugError as error:
        _notice(f"not built: {error}")
        return
    if not target.supported or target.os not in project.manifest.platforms:
        _notice(f"not built: {project.name} is not for {target.name}, or that is not possible yet")
        return
    try:
        built = steps.build_plugin(project, target)
        for file in built.staged:
            output.say(f"tvmplug: {file.path} ({human_size(file.size)})")
        if target.is_apple and (packed := pack(project)) is not None:
            output.say(f"tvmplug: {packed.path}")
    except ToolError as error:
        _warn(project, "not built", error, "build")
        return
    except TvmplugError as error:
        _warn(project, "the build failed; the project is whole", error, "build")
        return
    try:
        passed = steps.run_tests(project, target)
        output.say(f"tvmplug: {passed} tests passed")
    except TvmplugError as error:
        _warn(project, "the tests failed; the project is whole", error, "test")


def _warn(project: Project, what: str, error: TvmplugError, command: str) -> None:
    _notice(f"{what}: {error}")
    _notice(f"finish later with: {command_name()} {command} --project {project.root}")


def _notice(line: str) -> None:
    output.stderr.print(f"[yellow]tvmplug:[/] {escape(line)}")
