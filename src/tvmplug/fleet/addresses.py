"""Addresses of repositories and templates, as git and Copier write them. Pure."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Copier's abbreviations.
_ALIASES = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# git's short form of ssh, "user@host:path": a colon before the first slash.
_SSH = re.compile(r"[^/:\s]+@[^/:\s]+:(?!/?/)\S")


def is_address(source: str) -> bool:
    """Tell an address from a folder of this machine."""
    return bool(
        source.startswith((*_ALIASES, "git+")) or _SCHEME.match(source) or _SSH.match(source)
    )


def expand(source: str, root: Path) -> str:
    """Return an address or folder as git takes it anywhere.

    Args:
        source: An address, with Copier's abbreviations, or a folder.
        root: What a relative folder is relative to.
    """
    source = source.removeprefix("git+")
    for alias, start in _ALIASES.items():
        if source.startswith(alias):
            rest = source.removeprefix(alias).removeprefix("/")
            return f"{start}{rest.removesuffix('.git')}.git"
    if is_address(source):
        return source
    return os.path.normpath(root.absolute() / Path(source).expanduser())


def canonical(source: str, root: Path) -> str:
    """Return what is equal for two spellings of one address, by Copier's own expansion."""
    return expand(source, root).rstrip("/").removesuffix(".git").rstrip("/")


def last_part(source: str) -> str:
    """Return the last part of an address or path, without `.git`."""
    return re.split(r"[/:]", source.rstrip("/"))[-1].removesuffix(".git")


def password(source: str) -> bool:
    """Tell whether an address holds a password or token."""
    return ":" in _user(source)


def without_credentials(source: str) -> str:
    """Return an address as it may be shown: without user and password."""
    user = _user(source)
    return source.replace(f"{user}@", "", 1) if user else source


def host(source: str) -> str | None:
    """Return the machine that an address names, in lower case; None for a folder."""
    if _SCHEME.match(source):
        server = source.partition("://")[2].partition("/")[0].rpartition("@")[2]
        return re.sub(r":\d*$", "", server).lower() or None
    found = _SSH.match(source)
    return source.partition("@")[2].partition(":")[0].lower() if found else None


def _user(source: str) -> str:
    """User and password of an address; by hand, for `urlsplit` refuses what is half wrong."""
    if not _SCHEME.match(source):
        return ""
    return source.partition("://")[2].partition("/")[0].rpartition("@")[0]
