"""What the template would ask about an existing plugin, guessed from the plugin. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tvmplug import names, sync
from tvmplug.adopt import pubspec
from tvmplug.adopt.survey import LICENSES, PUBSPEC, Survey
from tvmplug.errors import NamingError

_PACKAGE = r"[a-z]\w*(?:\.[a-z]\w*)+"
_NAMESPACE = re.compile(rf"^\s*(?:namespace|group)\s*=?\s*['\"]({_PACKAGE})['\"]", re.M)
_MANIFEST = re.compile(rf"<manifest[^>]*\bpackage\s*=\s*\"({_PACKAGE})\"")
_POD_AUTHOR = re.compile(r"\.authors?\s*=\s*\{?\s*['\"]([^'\"]+)['\"]")
_COPYRIGHT = re.compile(
    r"^\s*Copyright\s+(?:\(c\)|©)?\s*(?:\d{4}(?:\s*-\s*\d{4})?,?\s+)?(.+?)\.?\s*$", re.M | re.I
)
_NOBODY = re.compile(r"your company|todo|\[|\{|<|name of copyright|holder|yyyy", re.I)
# In order: the words of a licence, and its name.
_LICENSES = (
    (re.compile(r"Apache License,?\s+Version 2\.0", re.I), "Apache-2.0"),
    (re.compile(r"Permission is hereby granted, free of charge", re.I), "MIT"),
    (re.compile(r"Redistribution and use in source and binary forms", re.I), "BSD-3-Clause"),
)
_ORIGIN = re.compile(r"(?:git@|ssh://git@|https?://)(?:[^@/\s]+@)?([\w.-]+)[:/](.+?)(?:\.git)?/?$")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\"\\<>{}]+")
_LONGEST_DESCRIPTION, _LONGEST_AUTHOR = 180, 100
_NATIVE = {"android": "android/", "ios": "ios/", "linux": "linux/", "macos": "macos/"}


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        value: What the template is told.
        source: Where it comes from, for a person.
    """

    value: Any
    source: str


def guess(survey: Survey, origin: str | None = None) -> dict[str, Answer]:
    """Guess what can be guessed; what is left out keeps the template's default.

    Args:
        survey: The plugin.
        origin: The address of its git remote.

    Raises:
        AdoptError: The pubspec cannot be read.
        NamingError: The plugin's name is none that the family can use.
    """
    document = pubspec.read(survey.text(PUBSPEC))
    name = str(document.get("name", survey.root.name))
    names.check_plugin_name(name)
    answers = {"kind": Answer("model", "tvmplug adopt"), "plugin_name": Answer(name, PUBSPEC)}
    description = " ".join(str(document.get("description") or "").split())
    if len(description) <= _LONGEST_DESCRIPTION and _PLAIN.fullmatch(description):
        answers["description"] = Answer(description, PUBSPEC)
    found = {
        "organisation": next(_organisations(survey, document, name), None),
        "author": next(_authors(survey), None),
        "license": _license(survey),
        "repository": _repository(document, origin),
        "platforms": _platforms(survey, document),
        "bindings": _bindings(document),
    }
    answers |= {key: answer for key, answer in found.items() if answer is not None}
    return answers | _symbols(survey, name)


def _organisations(survey: Survey, document: Mapping[str, Any], name: str) -> Iterator[Answer]:
    android = pubspec.platforms_of(document).get("android") or {}
    places = [(str(android.get("package", "")), PUBSPEC)]
    for path in ("android/build.gradle", "android/build.gradle.kts"):
        places += [(found, path) for found in _NAMESPACE.findall(survey.text(path))]
    path = "android/src/main/AndroidManifest.xml"
    places += [(found, path) for found in _MANIFEST.findall(survey.text(path))]
    for package, source in places:
        # The template adds the plugin's name again.
        organisation = package.removesuffix(f".{name}").lower()
        if organisation == package.lower() and organisation.count(".") > 1:
            organisation = organisation.rpartition(".")[0]
        if re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", organisation):
            yield Answer(organisation, source)


def _authors(survey: Survey) -> Iterator[Answer]:
    for file in survey.files:
        licence = re.fullmatch(LICENSES, file.path)
        pattern = _COPYRIGHT if licence else _POD_AUTHOR if file.path.endswith(".podspec") else None
        for found in pattern.findall(file.text or "") if pattern else ():
            author = " ".join(found.split())
            fits = len(author) <= _LONGEST_AUTHOR and _PLAIN.fullmatch(author)
            if fits and not _NOBODY.search(author):
                yield Answer(author, file.path)


def _license(survey: Survey) -> Answer | None:
    for file in survey.files:
        if re.fullmatch(LICENSES, file.path):
            for pattern, name in _LICENSES:
                if pattern.search(" ".join((file.text or "").split())):
                    return Answer(name, file.path)
    return None


def _repository(document: Mapping[str, Any], origin: str | None) -> Answer | None:
    for key in ("repository", "homepage"):
        address = str(document.get(key) or "")
        if re.fullmatch(r"https?://[^\s\"'\\<>{}]+", address) and "example.com" not in address:
            return Answer(address, f"{PUBSPEC}, {key}")
    found = _ORIGIN.fullmatch(origin or "")
    return Answer(f"https://{found[1]}/{found[2]}", "the git remote") if found else None


def _platforms(survey: Survey, document: Mapping[str, Any]) -> Answer | None:
    named = [name for name in pubspec.platforms_of(document) if name in pubspec.PLATFORMS]
    if named:
        return Answer(named, PUBSPEC)
    folders = [
        name for name, folder in _NATIVE.items()
        if any(file.path.startswith(folder) for file in survey.files)
    ]  # fmt: skip
    return Answer(folders, "the folders") if folders else None


def _bindings(document: Mapping[str, Any]) -> Answer | None:
    is_bridged = sync.BRIDGE in (document.get("dependencies") or {})
    return Answer("frb", f"{PUBSPEC}, {sync.BRIDGE}") if is_bridged else None


def _symbols(survey: Survey, name: str) -> dict[str, Answer]:
    """The prefix and the components, from the symbols of compiled models."""
    sources = {
        prefix: file.path
        for file in survey.files if file.binary is not None
        for prefix in file.binary.components if prefix
    }  # fmt: skip
    if not sources:
        return {}
    prefix, components = split_prefixes(list(sources), names.default_prefix(name))
    try:
        names.check_prefix(prefix)
        for component in components:
            names.check_component(component)
    except NamingError:  # another family's words; the template has its own proposal
        return {}
    source = f"symbols of {next(iter(sources.values())).rpartition('/')[2]}"
    answers = {"prefix": Answer(prefix, source)}
    return answers | ({"components": Answer(components, source)} if components else {})


def split_prefixes(prefixes: list[str], proposed: str) -> tuple[str, list[str]]:
    """Return a plugin's prefix and its components.

    Args:
        prefixes: What the symbols of each compiled component start with: `g2p_encoder_`.
        proposed: The prefix that the plugin's name suggests, which decides where one component
            alone leaves open where its name begins.

    Returns:
        `g2p_` and `["encoder"]`; no component where a prefix is all that there is.
    """
    if all(prefix.startswith(proposed) for prefix in prefixes):
        common = proposed
    elif len(prefixes) == 1:
        return prefixes[0], []
    else:
        first, last = min(prefixes), max(prefixes)
        same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
        common = first[: first[: same or len(first)].rfind("_") + 1]
        if common in prefixes:  # one component's name begins with another's
            common = common[: common[:-1].rfind("_") + 1]
    components = [prefix.removeprefix(common).rstrip("_") for prefix in prefixes]
    return common, [component for component in components if component]
