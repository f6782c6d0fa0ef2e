"""Plugin names, prefixes and components: the rules and their one-line refusals."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug import names
from tvmplug.errors import NamingError

_WORDS = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), min_size=1, max_size=3)
_PREFIXES = _WORDS.map(lambda words: "_".join(words) + "_")


@pytest.mark.parametrize(
    "name", ["g2p_flutter", "kokoro_flutter", "a", "x2_y3", "tvm_runtime_flutter"]
)
def test_good_plugin_names_pass(name: str) -> None:
    names.check_plugin_name(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no plugin name"),
        ("G2P", "no plugin name"),
        ("../g2p", "no plugin name"),
        ("/tmp/g2p", "no plugin name"),
        ("g2p-flutter", "no plugin name"),
        ("2g", "no plugin name"),
        ("g2p_", "no plugin name"),
        ("g2p__flutter", "no plugin name"),
        ("g2p\n", "no plugin name"),
        ("class", "Dart keyword"),
        ("true", "Dart keyword"),
        ("null", "Dart keyword"),
        ("on", "Dart keyword"),
        ("flutter", "taken by"),
        ("tvm", "taken by"),
    ],
)
def test_bad_plugin_names_are_refused_in_one_line(name: str, said: str) -> None:
    with pytest.raises(NamingError, match=said) as caught:
        names.check_plugin_name(name)
    assert caught.value.mend
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "prefix",
    ["", "g2p", "G2p_", "_g2p_", "2g_", "g2p__", "g2p_\n", "g-p_", "é_", "tvm_", "tvm_x_", "dart_"],
)
def test_bad_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(NamingError):
        names.check_prefix(prefix)


@pytest.mark.parametrize("name", ["", "Encoder", "a-b", "a_", "type", "match", "self", "yield"])
def test_bad_component_names_are_refused(name: str) -> None:
    with pytest.raises(NamingError) as caught:
        names.check_component(name)
    assert caught.value.mend


@given(st.text(max_size=12))
def test_a_prefix_is_accepted_only_when_it_is_words_with_underscores(text: str) -> None:
    try:
        names.check_prefix(text)
    except NamingError:
        return
    assert re.fullmatch(r"([a-z][a-z0-9]*_)([a-z0-9]+_)*", text)


@given(_PREFIXES, _PREFIXES, _WORDS)
def test_prefixes_that_do_not_conflict_never_name_the_same_symbol(
    one: str, other: str, words: list[str]
) -> None:
    symbol = "_".join(words)
    if not names.conflicts(one, other):
        assert not (one + symbol).startswith(other)
        assert not (other + symbol).startswith(one)


@given(_PREFIXES, _PREFIXES)
def test_conflict_is_symmetric_and_includes_equality(one: str, other: str) -> None:
    assert names.conflicts(one, one)
    assert names.conflicts(one, other) == names.conflicts(other, one)


def test_a_component_prefix_of_one_plugin_cannot_be_the_prefix_of_another() -> None:
    assert names.conflicts("g2p_", names.component_prefix("g2p_", "encoder"))
    assert not names.conflicts("g2p_", "g2px_")


@given(_WORDS)
def test_the_default_prefix_of_a_plugin_name_is_well_formed(words: list[str]) -> None:
    name = "_".join(words)
    assert re.fullmatch(r"[a-z][a-z0-9_]*_", names.default_prefix(name))
    assert names.default_prefix("g2p_flutter") == "g2p_"
    assert names.default_prefix("kokoro") == "kokoro_"
