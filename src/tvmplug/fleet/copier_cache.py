"""What is equal for all projects of one template version, worked out once: kept by commit.

Copier reads a template's configuration, compiles its Jinja and asks git about it anew for each of
the four workers of every update. Here that happens once in the process that all jobs are forked
from; what the workers get is what Copier would have made.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import CodeType
from typing import Any

from copier._jinja_ext import CopierTemplateLoader, SandboxedEnvironment, get_yield_context
from copier._template import Template
from copier.errors import CopierError
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import TemplateError
from packaging.version import Version
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from tvmplug.fleet.records import Checkout

_VERSIONS_KEPT = 32
_STRINGS_KEPT = 4096
_CodeKey = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Constant:
    """A template without any Jinja in it.

    Attributes:
        text: What it renders to.
    """

    text: str

    def render(self, *_: Any, **__: Any) -> str:
        """Return the text."""
        return self.text


@dataclass
class Parts:
    """One template version, read and compiled.

    Attributes:
        checkout: Which one.
        config: Its configuration, pickled: every worker gets a copy of its own.
        index_modes: File modes in its git index.
        codes: Compiled Jinja by source, name and file name.
        constants: Strings without any Jinja, compiled.
        sources: Files that hold Jinja, as Copier's loader returns them.
        plain_paths: What paths without Jinja are rendered to, by subdirectory and path.
    """

    checkout: Checkout
    config: bytes
    index_modes: Mapping[PurePosixPath, int]
    codes: OrderedDict[_CodeKey, CodeType] = field(default_factory=OrderedDict)
    constants: OrderedDict[str, Constant] = field(default_factory=OrderedDict)
    sources: dict[str, Any] = field(default_factory=dict)
    plain_paths: dict[tuple[str, str], list[Path]] = field(default_factory=dict)


_kept: OrderedDict[tuple[str, str], Parts] = OrderedDict()


def parts_of(checkout: Checkout) -> Parts:
    """Return what is known of a template version; reads it when it is new.

    Raises:
        CopierError: Its configuration is wrong.
    """
    key = (checkout.commit, str(checkout.path))
    parts = _kept.get(key)
    if parts is None:
        plain = Template(url=str(checkout.path))
        plain.__dict__["local_abspath"] = checkout.path.resolve()
        config = pickle.dumps(plain._raw_config)
        parts = Parts(checkout, config, dict(plain.git_index_modes))
        _kept[key] = parts
        while len(_kept) > _VERSIONS_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return parts


@pydantic_dataclass(config=ConfigDict(arbitrary_types_allowed=True))
class FleetTemplate(Template):
    """Copier's template at one commit whose checkout is there already.

    Attributes:
        parts: What is known of it.
    """

    parts: Parts = field(kw_only=True)

    @cached_property
    def _raw_config(self) -> dict[str, Any]:
        config: dict[str, Any] = pickle.loads(self.parts.config)  # noqa: S301, of our own making
        return config

    @cached_property
    def local_abspath(self) -> Path:
        """Its checkout."""
        return self.parts.checkout.path.resolve()

    @cached_property
    def commit(self) -> str | None:
        """What projects record as `_commit`."""
        return self.parts.checkout.described

    @cached_property
    def commit_hash(self) -> str | None:
        """Its full hash."""
        return self.parts.checkout.commit

    @cached_property
    def git_index_modes(self) -> Mapping[PurePosixPath, int]:
        """File modes in its git index."""
        return self.parts.index_modes

    @cached_property
    def version(self) -> Version | None:
        """What Copier compares."""
        version = self.parts.checkout.version
        return None if version is None else Version(version)

    @cached_property
    def vcs(self) -> Any:
        """Always git."""
        return "git"


class FleetLoader(CopierTemplateLoader):
    """Copier's loader, which reads each file of a checkout once."""

    parts: Parts | None = None

    def get_source(self, environment: Any, template: str) -> Any:
        """Return a file's content, name and a check; see `CopierTemplateLoader.get_source`."""
        if self.parts is None:
            return super().get_source(environment, template)
        found = self.parts.sources.get(template)
        if found is None:
            found = self.parts.sources[template] = super().get_source(environment, template)
        return found


class FleetEnvironment(SandboxedEnvironment):
    """Copier's Jinja environment, which takes compiled code from the cache.

    Each worker has an environment of its own, as in Copier, so nothing that a template sets is
    seen by another worker. Fetching a string again does what compiling it would have done to
    Copier's `yield` context: it resets it.
    """

    def share(self, parts: Parts) -> None:
        """Use the compiled code of a template version, and add to it."""
        self._parts = parts
        self._strings: dict[str, JinjaTemplate] = {}
        if isinstance(self.loader, FleetLoader):
            self.loader.parts = parts
        self._yield_context = get_yield_context(self)
        self.auto_reload = False  # a checkout does not change

    def compile(self, source: Any, name: Any = None, filename: Any = None, *rest: Any) -> Any:
        """Compile a template, or fetch it; see `jinja2.Environment.compile`."""
        if type(source) is not str or any(rest) or not hasattr(self, "_parts"):
            return super().compile(source, name, filename, *rest)
        codes, key = self._parts.codes, (source, name, filename)
        code = codes.get(key)
        if code is None:
            code = super().compile(source, name, filename)
            _remember(codes, key, code)
        else:
            self._reset_yield()
        return code

    def from_string(self, source: Any, globals: Any = None, template_class: Any = None) -> Any:  # noqa: A002, Jinja's name
        """Make a template of a string, or fetch it; see `jinja2.Environment.from_string`."""
        if type(source) is not str or globals or template_class:
            return super().from_string(source, globals, template_class)
        template = self._strings.get(source) or self._parts.constants.get(source)
        if template is not None:
            self._reset_yield()
            return template
        template = super().from_string(source)
        if self._has_jinja(source):
            self._strings[source] = template
        else:
            template = Constant(str(template.render()))
            _remember(self._parts.constants, source, template)
        return template

    def constant(self, source: str) -> str | None:
        """Return what a string renders to whatever the answers; None when it has any Jinja.

        Like `from_string`, resets Copier's `yield` context.
        """
        template = self.from_string(source)
        return template.text if isinstance(template, Constant) else None

    def _reset_yield(self) -> None:
        """Do what compiling does to the context of Copier's `yield` tag."""
        self._yield_context.yield_name = None
        self._yield_context.yield_iterable = None

    def _has_jinja(self, source: str) -> bool:
        starts = (
            self.variable_start_string, self.block_start_string, self.comment_start_string,
            self.line_statement_prefix, self.line_comment_prefix,
        )  # fmt: skip
        return any(start in source for start in starts if start)


def warm_parts(checkout: Checkout, environment: FleetEnvironment) -> None:
    """Compile every file, path name and string of a template version.

    What cannot be compiled is left: the project that needs it will say so.
    """
    parts = parts_of(checkout)
    suffix = FleetTemplate(url=checkout.source, parts=parts).templates_suffix
    for text in _strings_in(pickle.loads(parts.config)):  # noqa: S301, of our own making
        _try_to_compile(environment, text)
    for path in checkout.path.rglob("*"):
        relative = path.relative_to(checkout.path)
        if relative.parts[0] == ".git":
            continue
        _try_to_compile(environment, relative.name.removesuffix(suffix))
        if suffix and relative.name.endswith(suffix) and path.is_file():
            try:
                environment.get_template(relative.as_posix())
            except (TemplateError, CopierError, UnicodeDecodeError, OSError):
                continue


def _try_to_compile(environment: FleetEnvironment, text: str) -> None:
    try:
        environment.from_string(text)
    except (TemplateError, CopierError):
        return


def _strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings_in(key)
            yield from _strings_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings_in(inner)


def _remember(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    while len(kept) > _STRINGS_KEPT:
        kept.popitem(last=False)
