"""The rules for plugin names, prefixes and components. Pure; the tables are in naming.yml."""

from __future__ import annotations

import re
from pathlib import Path

from tvmplug.errors import NamingError
from tvmplug.pins import read_defaults

_RULES = read_defaults(Path(__file__).with_name("naming.yml"))
_PLUGIN_NAME = re.compile(_RULES["plugin_name_pattern"])
_PREFIX = re.compile(_RULES["prefix_pattern"])
_COMPONENT = re.compile(_RULES["component_pattern"])
_DART_KEYWORDS = frozenset(_RULES["dart_keywords"])
_RUST_KEYWORDS = frozenset(_RULES["rust_keywords"])
_RESERVED_NAMES = frozenset(_RULES["reserved_names"])
_RESERVED_PREFIXES = tuple(_RULES["reserved_prefixes"])
_PLUGIN_SUFFIXES = ("_flutter", "_plugin", "_model")


def check_plugin_name(name: str) -> None:
    """Refuse what pub would refuse as a package name.

    Raises:
        NamingError: It is a path, a Dart keyword, reserved, or malformed.
    """
    if not _PLUGIN_NAME.fullmatch(name):
        raise NamingError(
            f"'{name}' is no plugin name",
            mend="Use lower-case words joined by underscores, such as kokoro_flutter",
        )
    if name in _DART_KEYWORDS:
        raise NamingError(f"'{name}' is a Dart keyword", mend=f"Use {name}_flutter")
    if name in _RESERVED_NAMES:
        raise NamingError(f"'{name}' is taken by Dart, Flutter or TVM", mend=f"Use {name}_flutter")


def check_prefix(prefix: str) -> None:
    """Refuse a symbol prefix that is malformed or collides with TVM's own names.

    Raises:
        NamingError: It is malformed or reserved.
    """
    if not _PREFIX.fullmatch(prefix):
        raise NamingError(
            f"'{prefix}' is no prefix",
            mend="Use lower-case words, each followed by one underscore, such as g2p_",
        )
    for reserved in _RESERVED_PREFIXES:
        if conflicts(prefix, reserved):
            raise NamingError(
                f"'{prefix}' collides with the reserved prefix {reserved}",
                mend="Use a word of your own, such as the model's name: g2p_",
            )


def check_component(name: str) -> None:
    """Refuse a component name that is malformed or cannot be a name in Rust.

    Raises:
        NamingError: It is not made of lower-case words, or is a Rust keyword.
    """
    if not _COMPONENT.fullmatch(name):
        raise NamingError(
            f"'{name}' is no component name",
            mend="Use lower-case words joined by underscores, such as decoder_step",
        )
    if name in _RUST_KEYWORDS:
        raise NamingError(f"'{name}' is a Rust keyword", mend=f"Use {name}_model")


def component_prefix(prefix: str, component: str) -> str:
    """Return the prefix of a component's symbols: `g2p_` and `encoder` make `g2p_encoder_`."""
    return f"{prefix}{component}_"


def conflicts(prefix: str, other: str) -> bool:
    """Tell whether two prefixes can name the same symbol: one is a prefix of the other.

    `g2p_` + `encoder_main` is the same name as `g2p_encoder_` + `main`.
    """
    return prefix.startswith(other) or other.startswith(prefix)


def default_prefix(plugin_name: str) -> str:
    """Return the prefix that a plugin's name suggests: `g2p_flutter` makes `g2p_`."""
    for suffix in _PLUGIN_SUFFIXES:
        if plugin_name.endswith(suffix) and plugin_name != suffix:
            return plugin_name.removesuffix(suffix) + "_"
    return f"{plugin_name}_"
