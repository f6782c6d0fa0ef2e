"""Copier's worker with other surroundings: `copier_update` runs it.

The code that decides is Copier's. A method stands here where it asks git, reads a template or
works something out that is known already, and says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import FunctionType
from typing import Any

from copier._main import Worker
from copier._subproject import Subproject
from copier._template import Task
from copier._types import AnyByStrDict, LazyDict, Operation
from copier.errors import ForbiddenPathError
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from tvmplug.errors import FleetError
from tvmplug.fleet import throwaway
from tvmplug.fleet.copier_answers import FleetAnswers, FleetQuestion
from tvmplug.fleet.copier_cache import FleetEnvironment, FleetLoader, FleetTemplate, parts_of
from tvmplug.fleet.copier_git import Git, get_git, set_git_alternates
from tvmplug.fleet.copier_questions import Known
from tvmplug.fleet.git_index import Listing
from tvmplug.fleet.records import Checkout


@dataclass
class Surroundings:
    """What all workers of one update share.

    Attributes:
        project: The folder that is updated.
        old: The template version that it is at.
        new: The one that it is brought to.
        trust: Run the template's tasks and migrations, let it read files outside of the project.
        renders: What the old and the new render hold, in this order, and where they lie.
        texts: Old and new content of the files that the new version changes.
        known: Answers what Copier asks git.
    """

    project: Path
    old: Checkout
    new: Checkout
    trust: bool
    renders: list[tuple[Path, Listing]] = field(default_factory=list)
    texts: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    known: Known = field(init=False)

    def __post_init__(self) -> None:
        self.known = Known(self.project)

    def rendered(self, folder: Path, files: Listing) -> None:
        """Remember a render; with the second one, what both will be gone with."""
        self.renders.append((folder, files))
        if len(self.renders) == 2:
            (old_folder, old), (new_folder, new) = self.renders
            for path in old.keys() & new.keys():
                modes = {old[path][0], new[path][0]}
                if old[path][1] != new[path][1] and modes <= {"100644", "100755"}:
                    self.texts[path] = (
                        throwaway.content(old_folder, path, old[path][1]),
                        throwaway.content(new_folder, path, new[path][1]),
                    )

    @cached_property
    def ignores_modes(self) -> bool:
        """Whether git takes no notice of executable bits in the project's files."""
        said = Git(cwd=self.project)(
            "config", "--type=bool", "--get", "core.fileMode", retcode=None
        )
        return said.strip() == "false"


def in_surroundings(function: Any, **names: Any) -> Any:
    """Return the same function of Copier's, with other things behind some global names.

    Copier's modules stay as they are: nothing outside of the fleet sees these names.
    """
    unknown = names.keys() - function.__globals__.keys()
    if unknown:
        raise FleetError(
            f"this Copier has no {', '.join(sorted(unknown))}",
            mend="Install the Copier that tvmplug requires: pip install 'copier>=9.19,<9.20'",
        )
    changed = FunctionType(
        function.__code__, {**function.__globals__, **names}, function.__name__,
        function.__defaults__, function.__closure__,
    )  # fmt: skip
    changed.__kwdefaults__ = function.__kwdefaults__
    return changed


_jinja_env = in_surroundings(
    Worker.__dict__["jinja_env"].func,
    SandboxedEnvironment=FleetEnvironment,
    CopierTemplateLoader=FleetLoader,
)


_initialize_with_hooks = in_surroundings(Worker._git_initialize_repo, get_git=get_git)
_commit_with_hooks = in_surroundings(Worker._git_commit, get_git=get_git)
_sync_executable_bit = in_surroundings(Worker._sync_git_index_executable_bit, get_git=get_git)


@pydantic_dataclass(config=ConfigDict(arbitrary_types_allowed=True))
class _FleetSubproject(Subproject):
    """The project, whose template needs no clone."""

    make_template: Callable[[str, str | None], FleetTemplate] | None = None

    @cached_property
    def vcs(self) -> Any:
        """Whether it is in a git repository."""
        return "git" if (self.local_abspath / ".git").exists() else super().vcs

    def is_dirty(self) -> bool:
        """Whether it has changes that no commit holds."""
        said = Git(cwd=self.local_abspath)("status", "--porcelain", "--", self.local_abspath)
        return bool(said.strip())

    @cached_property
    def template(self) -> FleetTemplate | None:
        """The version that the project is at."""
        url = self.last_answers.get("_src_path")
        if not url or self.make_template is None:
            return None
        return self.make_template(url, self.last_answers.get("_commit"))


@pydantic_dataclass(config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
class FleetWorker(Worker):
    """Copier's worker for one update; `dataclasses.replace` hands `surroundings` on.

    Attributes:
        surroundings: What all workers of the update share.
    """

    surroundings: Surroundings = field(kw_only=True)
    _settled: Mapping[str, Any] | None = field(default=None, init=False)

    @cached_property
    def subproject(self) -> Subproject:
        """The project."""

        def old_template(url: str, ref: str | None) -> FleetTemplate:
            return FleetTemplate(url=url, ref=ref, parts=parts_of(self.surroundings.old))

        return _FleetSubproject(
            local_abspath=self.dst_path.absolute(),
            answers_relpath=self.answers_file or Path(".copier-answers.yml"),
            make_template=old_template,
        )

    @cached_property
    def template(self) -> FleetTemplate:
        """The version of the template that this worker renders."""
        url, ref = self.src_path, self.resolved_vcs_ref
        if not url:
            if self.subproject.template is None:
                raise TypeError("Template not found")
            url = str(self.subproject.template.url)
        # The worker of the old render is the one that asks for the recorded version.
        is_old = self.src_path is not None and ref == self.surroundings.old.described
        checkout = self.surroundings.old if is_old else self.surroundings.new
        return FleetTemplate(url=url, ref=ref, parts=parts_of(checkout))

    @cached_property
    def jinja_env(self) -> FleetEnvironment:
        """Copier's environment, with what is compiled already."""
        environment: FleetEnvironment = _jinja_env(self)
        environment.share(self.template.parts)
        return environment

    def _check_unsafe(self, mode: Operation) -> None:
        templates = [self.template]
        if mode == "update" and isinstance(self.subproject.template, FleetTemplate):
            templates.append(self.subproject.template)
        if not self.surroundings.trust and any(each.jinja_extensions for each in templates):
            raise FleetError(
                "the template brings Jinja extensions, which are programs of its own",
                mend="Look at the template, then run the command again with --trust",
            )

    def _external_data(self) -> LazyDict[str, Any]:
        loaded = super()._external_data()

        def load(name: str) -> Any:
            try:
                return loaded[name]
            except ForbiddenPathError:  # outside of the project, without trust
                return {}

        return LazyDict({name: partial(load, name) for name in loaded})

    def _execute_tasks(self, tasks: Sequence[Task]) -> None:
        if self.surroundings.trust:
            super()._execute_tasks(tasks)

    def _git_initialize_repo(self) -> None:
        folder = Path.cwd()
        if throwaway.skeleton(folder.parent).has_hooks:
            _initialize_with_hooks(self)
            files = throwaway.listing(folder)
        else:
            made = throwaway.Throwaway(folder, self.surroundings.project)
            self.surroundings.known.throwaways[folder] = made
            files = made.files
        self.surroundings.rendered(folder, files)

    def _git_commit(self, message: str = "dumb commit") -> None:
        made = self.surroundings.known.throwaways.get(Path.cwd())
        if made is None:
            _commit_with_hooks(self, message)
        else:
            made.commit_staged()

    def _apply_update(self) -> None:
        git = Git(known=self.surroundings.known.answer)
        update = in_surroundings(
            Worker._apply_update,
            AnswersMap=FleetAnswers,
            get_git=lambda: git,
            set_git_alternates=set_git_alternates,
        )
        update(self)

    def _render_string(self, string: str, extra_context: AnyByStrDict | None = None) -> str:
        if type(string) is str and (text := self.jinja_env.constant(string)) is not None:
            return text  # needs no context, which is what costs
        return super()._render_string(string, extra_context)

    def _render_path(self, relpath: Path) -> Iterable[tuple[Path, AnyByStrDict | None]]:
        if not self._is_plain(relpath):
            return super()._render_path(relpath)
        plain = self.template.parts.plain_paths
        key = str(self.template_copy_root), str(relpath)
        if key not in plain:
            plain[key] = [path for path, _ in super()._render_path(relpath)]
        return [(path, {}) for path in plain[key]]

    def _is_plain(self, relpath: Path) -> bool:
        """Whether a path, and the answers file's, are the same for all projects."""
        answers = str(self.answers_file or self.template.answers_relpath)
        names = (*relpath.parts, answers)
        return all(self.jinja_env.constant(name) is not None for name in names)

    @property
    def answers_relpath(self) -> Path:
        """The answers file, relative to the project."""
        text = self.jinja_env.constant(str(self.answers_file or self.template.answers_relpath))
        return super().answers_relpath if text is None else Path(text)

    def _answers_to_remember(self) -> Mapping[str, Any]:
        if self._settled is not None:
            return dict(self._settled)
        return super()._answers_to_remember()

    def _render_template(self) -> None:
        # No answer changes any more, so what to remember is worked out once, not for every file.
        self._settled = super()._answers_to_remember()
        try:
            super()._render_template()
        finally:
            self._settled = None

    def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
        # Copier asks git for every file; only the project is in a repository at that time.
        if self.surroundings.project == self.dst_path and self.surroundings.ignores_modes:
            _sync_executable_bit(self, dst_relpath, src_mode)

    _ask = in_surroundings(Worker._ask, AnswersMap=FleetAnswers, Question=FleetQuestion)
    _render_file = in_surroundings(Worker._render_file, is_git_available=lambda: True)
