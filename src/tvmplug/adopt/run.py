"""Adopts the plugins of a folder, from looking to committing: what `tvmplug adopt` calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tvmplug import files, names, registry
from tvmplug.adopt import answers as guesses
from tvmplug.adopt import apply, document, pubspec
from tvmplug.adopt.answers import Answer
from tvmplug.adopt.apply import Applied, Repository
from tvmplug.adopt.find import Finding, find
from tvmplug.adopt.plan import Action, Change, Plan, decide
from tvmplug.adopt.rendering import render
from tvmplug.adopt.survey import PUBSPEC, Survey, find_plugins, look
from tvmplug.commands.new import ANSWERS_FILE
from tvmplug.errors import AdoptError, UsageError
from tvmplug.manifest import MANIFEST_NAME
from tvmplug.project import Project

_APP = ("lib/main.dart", "android/app", "ios/Runner", "linux/runner")
_SUBJECT = "Use the shared TVM runtime"


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        source: Folder or address of the template.
        vcs_ref: Its tag or commit; None for its newest tag.
        data: Answers that take the place of guesses.
    """

    source: str
    vcs_ref: str | None
    data: Mapping[str, str]


@dataclass(frozen=True)
class Adoption:
    """One plugin's adoption.

    Attributes:
        plan: What is found and done.
        answers: What the template is told.
        repository: The git repository that it lies in; None without one.
    """

    plan: Plan
    answers: Mapping[str, Answer]
    repository: Repository | None


@dataclass(frozen=True)
class Found:
    """What is in a folder.

    Attributes:
        adoptions: The plugins that have something to adopt.
        skipped: Why each other plugin has nothing, by its folder's name.
    """

    adoptions: tuple[Adoption, ...]
    skipped: Mapping[str, str]


def adoptions(folder: Path, options: Options, *, ready: bool) -> Found:
    """Look at the plugins of a folder and decide what adoption does to each; changes nothing.

    Args:
        folder: A plugin, or a folder that holds several.
        options: The template and its answers.
        ready: Refuse what could not be applied.

    Raises:
        AdoptError: There is no plugin, or one cannot be adopted as it is.
        NamingError: A plugin's name is none that the family can use.
        RegistryError: Its prefix collides with another plugin's.
        UsageError: The template or an answer is wrong.
    """
    roots = find_plugins(folder)
    skipped: dict[str, str] = {}
    surveys: list[tuple[Survey, Repository | None]] = []
    for root in roots:
        if (root / MANIFEST_NAME).is_file():
            skipped[root.name] = "it is a tvmplug plugin already: `copier update` renews it"
            continue
        if _is_app(root):
            skipped[root.name] = "it is an app and no plugin"
            continue
        repository = apply.find_repository(root)
        ignored = apply.ignored_in(root) if repository is not None else ()
        surveys.append((look(root, ignored), repository))
    found = []
    for place, (survey, repository) in enumerate(surveys):
        others = [(each.root.name, each) for each, _ in surveys[:place]]
        findings = find(survey, others)
        if not findings:
            skipped[survey.root.name] = "no TVM of its own was found"
            continue
        found.append((survey, findings, apply.check_ready(survey.root) if ready else repository))
    made = [
        _adoption(survey, findings, repository, options) for survey, findings, repository in found
    ]
    _check_prefixes(made)
    return Found(tuple(made), skipped)


def _is_app(root: Path) -> bool:
    """Whether a folder is a Flutter app: a plugin has its apps in `example/`."""
    path = root / PUBSPEC
    with files.file_errors(path):
        document = pubspec.read(path.read_text(encoding="utf-8", errors="replace"), str(path))
    is_plugin = "plugin" in (document.get("flutter") or {}) or any(root.glob("*/*.podspec"))
    return not is_plugin and any((root / sign).exists() for sign in _APP)


def _adoption(
    survey: Survey, findings: Sequence[Finding], repository: Repository | None, options: Options
) -> Adoption:
    if ANSWERS_FILE in survey.by_path:
        raise AdoptError(
            f"{survey.root} was made by another Copier template ({ANSWERS_FILE})",
            mend=f"Rename that file to keep both: git mv {ANSWERS_FILE} .copier-answers.other.yml",
        )
    told = guesses.guess(survey, repository.origin if repository is not None else None)
    for key in ("kind", "plugin_name"):
        if options.data.get(key, told[key].value) != told[key].value:
            raise UsageError(
                f"--data {key}={options.data[key]}: adoption keeps {key} {told[key].value}",
                mend=f"Leave {key} out, or make a new plugin with `tvmplug new`",
            )
    told |= {key: Answer(value, "--data") for key, value in options.data.items()}
    data = {key: answer.value for key, answer in told.items()}
    name = str(data["plugin_name"])
    rendered = render(options.source, data, name, vcs_ref=options.vcs_ref)
    plan = decide(survey, findings, rendered)
    former = "HEAD"
    if repository is not None:
        former = repository.branch or repository.commit[:12]
    return Adoption(_with_document(plan, former), told, repository)


def _with_document(plan: Plan, former: str) -> Plan:
    text = document.document(plan, former).encode()
    before = plan.survey.by_path.get(document.ADOPT)
    if before is not None:
        raise AdoptError(
            f"{plan.survey.root / document.ADOPT} is there already, and adoption writes one",
            mend=f"Rename it: git mv {document.ADOPT} NEW_NAME",
        )
    change = Change(document.ADOPT, Action.ADDED, None, text, "what is left to you, as a list")
    return replace(plan, changes=tuple(sorted([*plan.changes, change], key=lambda c: c.path)))


def _check_prefixes(adopted: Sequence[Adoption]) -> None:
    """Refuse a prefix that another plugin holds, in the registry or in the same folder."""
    held: dict[str, str] = {}
    for adoption in adopted:
        manifest = adoption.plan.manifest
        prefix, entries = Project(manifest).model.prefix, dict(held)
        path = registry.locate_registry(manifest)
        if path is not None and path.is_file():
            entries |= {e.plugin: e.prefix for e in registry.read_registry(path).values()}
        for other, taken in entries.items():
            if other != manifest.name and names.conflicts(prefix, taken):
                raise AdoptError(
                    f"the prefix {prefix} of {manifest.name} collides with {taken} of {other}",
                    mend="Give it one of its own: --data prefix=...",
                )
        held[manifest.name] = prefix


def carry_out(found: Found) -> list[Applied]:
    """Commit what was decided.

    Raises:
        AdoptError: A branch could not be made; then there is none at all.
        ToolError: git failed.
    """
    plans = [(each.repository, each.plan) for each in found.adoptions if each.repository]
    names_ = ", ".join(each.plan.manifest.name for each in found.adoptions)
    body = (
        f"{names_}: the TVM that came along is gone, tvm_runtime_flutter brings the one that all\n"
        "model plugins of an app share. What is left to do by hand stands in ADOPT.md."
    )
    return apply.apply(plans, f"{_SUBJECT}\n\n{body}\n") if plans else []
