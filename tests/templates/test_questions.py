"""Wrong answers: one line that says what is wrong and what is right, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest
from copier.errors import UserMessageError
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from tvmplug import names
from tvmplug.commands.new import one_line
from tvmplug.errors import NamingError
from tvmplug.runtime.store import PARTS

from .conftest import REPOSITORY, render
from .matrix import QUESTIONS, choices

WRONG: list[tuple[dict[str, Any], str, str]] = [
    # answers, what is wrong, what would be right
    ({"kind": "app"}, "kind 'app'", "runtime, model"),
    ({"plugin_name": "../escape"}, "'../escape' is no package name", "such as escape"),
    ({"plugin_name": "/tmp/escape"}, "is no package name", "such as tmp_escape"),
    ({"plugin_name": "Kokoro-Flutter"}, "is no package name", "kokoro_flutter"),
    ({"plugin_name": "g2p_flutter\n"}, "is no package name", "such as g2p_flutter"),
    ({"plugin_name": ""}, "is no package name", "kokoro_flutter"),
    ({"plugin_name": "class"}, "Dart keyword", "class_flutter"),
    ({"plugin_name": "covariant"}, "Dart keyword", "covariant_flutter"),
    ({"plugin_name": "test"}, "taken by Dart", "test_flutter"),
    (
        {"kind": "runtime", "plugin_name": "mine"},
        "cannot be called 'mine'",
        "Leave plugin_name out",
    ),
    ({"prefix": "G2P_"}, "prefix 'G2P_' is malformed", "such as g2p_"),
    ({"prefix": "g2p"}, "prefix 'g2p' is malformed", "such as g2p_"),
    ({"prefix": "g2p__"}, "prefix 'g2p__' is malformed", "such as g2p_"),
    ({"prefix": "tvm_"}, "reserved tvm_", "a word of your own"),
    ({"prefix": "tvm_ffi_mine_"}, "reserved tvm_", "a word of your own"),
    ({"components": "encoder,decoder"}, "is no list", "[encoder, decoder_step]"),
    ({"components": "[encoder"}, "is no list", "[encoder, decoder_step]"),
    ({"components": "{a: b}"}, "is no list", "[encoder, decoder_step]"),
    ({"components": "[]"}, "components is empty", "[model]"),
    ({"components": "[a, a]"}, "names a part twice", "[encoder, decoder_step]"),
    ({"components": ["Encoder"]}, "component 'Encoder' is malformed", "decoder_step"),
    ({"platforms": "linux"}, "is no list", "[linux, android, ios, macos]"),
    ({"platforms": "[windows]"}, "platform 'windows' is not built yet", "[linux, android,"),
    ({"platforms": ["beos"]}, "platform 'beos' is none of Flutter's", "[linux, android,"),
    ({"platforms": "[]"}, "platforms is empty", "[linux]"),
    ({"platforms": "[ios, linux, ios]"}, "names one twice", "[ios, linux]"),
    ({"runtime_parts": "[disco]"}, "names 'disco'", "[byoc, kv-cache, reflection, rpc, timer]"),
    ({"runtime_parts": "rpc"}, "is no list", "[kv-cache]"),
    ({"apple_linkage": "dynamic"}, "apple_linkage 'dynamic'", "framework, static"),
    ({"source": "keras"}, "source 'keras'", "torch, onnx, relax"),
    ({"bindings": "jni"}, "bindings 'jni'", "ffi, frb"),
    ({"apple_linkage": "static", "bindings": "frb"}, "called the same", "apple_linkage=framework"),
    ({"license": "GPL"}, "license 'GPL'", "Apache-2.0"),
    ({"organisation": "example"}, "no reversed domain", "com.example"),
    ({"author": ""}, "author is empty", "some words"),
    ({"author": "A\nB"}, "line break", "one plain line"),
    ({"description": "x" * 181}, "181 characters", "at most 180"),
    ({"description": 'say "hi"'}, "holds a line break or one of", "one plain line"),
    ({"repository": "github.com/x"}, "no web address", "https://"),
    ({"runtime_from": "svn"}, "runtime_from 'svn'", "path, git, hosted"),
    ({"runtime_path": "/opt/tvm"}, "no relative path", "../tvm_runtime_flutter"),
    ({"runtime_from": "git", "runtime_git_url": "here"}, "no git address", "https://"),
    ({"runtime_from": "git", "runtime_git_ref": "a b"}, "no tag or commit", "v0."),
]


def _rows() -> list[Any]:
    """The table as parameters; each is a run of Copier, so all but the first of three are slow."""
    left = {"plugin_name", "prefix", "components"}
    rows = []
    for answers, wrong, right in WRONG:
        question = list(answers)[-1]
        marks = () if question in left else pytest.mark.slow
        left.discard(question)
        rows.append(pytest.param(answers, wrong, right, marks=marks, id=str(answers)[:40]))
    return rows


@pytest.mark.parametrize(("answers", "wrong", "right"), _rows())
def test_a_wrong_answer_ends_in_one_line(
    template: Path, tmp_path: Path, answers: dict[str, Any], wrong: str, right: str
) -> None:
    folder = tmp_path / "g2p_flutter"
    with pytest.raises(UserMessageError) as caught:
        render(template, folder, **answers)
    message = one_line(str(caught.value))
    assert wrong in message
    assert right in message
    assert len(str(caught.value).splitlines()) == 1
    assert not folder.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "options"),
    [("class", []), ("1kokoro", []), ("g2p_flutter", ["--data", "prefix=G2P"])],
)
def test_copiers_command_line_shows_that_line_and_no_traceback(
    template: Path, tmp_path: Path, folder: str, options: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet", *options,
         template, tmp_path / folder],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert ". Use " in done.stderr
    assert not (tmp_path / folder).exists()


@pytest.mark.slow
def test_the_same_line_is_shown_while_asking(template: Path, tmp_path: Path) -> None:
    told = {
        "kind": "model", "description": "d", "author": "a", "license": "MIT", "source": "relax",
        "organisation": "com.example", "repository": "", "platforms": "[linux]",
        "apple_linkage": "framework",
        "components": "[model]", "bindings": "ffi",
        "runtime_from": "path", "runtime_path": "../r", "prefix": "g2p_",
    }  # fmt: skip
    options = [word for pair in told.items() for word in ("--data", "=".join(pair))]
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    asking = subprocess.Popen(
        [sys.executable, "-m", "copier", "copy", "--trust", *options, template, tmp_path / "class"],
        stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(terminal)
    try:
        shown = _read_until(main, b"Name of the package")
        os.write(main, b"class\r")
        shown += _read_until(main, b"Use class_flutter")
    finally:
        asking.kill()
        asking.wait()
        os.close(main)
    assert b"Dart keyword" in shown
    assert not (tmp_path / "class").exists()


def _read_until(terminal: int, wanted: bytes, timeout_s: float = 20) -> bytes:
    """Read what a program shows until it has shown `wanted`, answering its cursor queries."""
    shown, deadline = b"", time.monotonic() + timeout_s
    while wanted not in shown:
        assert time.monotonic() < deadline, shown[-2000:]
        if not select.select([terminal], [], [], 1)[0]:
            continue
        piece = os.read(terminal, 4096)
        if b"\x1b[6n" in piece:
            os.write(terminal, b"\x1b[1;1R")
        shown += piece
    return shown


def test_every_question_has_help_and_a_default() -> None:
    asked = [
        question
        for name, question in QUESTIONS.items()
        if not name.startswith("_")
        and isinstance(question, dict)
        and question.get("when") is not False
    ]
    assert len(asked) >= 13
    assert all(question["help"] and "default" in question for question in asked)


def test_every_choice_in_copier_yml_is_one_that_the_checks_accept() -> None:
    for question in ("source", "bindings", "runtime_from", "license"):
        for choice in choices(question):
            assert _error(question, choice) == ""
    for kind in choices("kind"):
        assert _error("kind", kind) == ""


_ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(REPOSITORY),
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
)
_CHECK = _ENVIRONMENT.from_string(
    "{% import 'questions/checks.jinja' as checks with context %}{{ checks.error(key, value) }}"
)
_DEFAULT_PREFIX = _ENVIRONMENT.from_string(QUESTIONS["prefix"]["default"])
_RULES = {
    name: question["default"]
    for name, question in QUESTIONS.items()
    if isinstance(question, dict) and question.get("when") is False
}


def _error(key: str, value: object) -> str:
    # Copier's own, as far as the checks read it: what `--data` gave.
    return _CHECK.render(_RULES, key=key, value=value, _copier_conf={"data": {}}).strip()


def _refuses(check: Any, value: str) -> bool:
    try:
        check(value)
    except NamingError:
        return True
    return False


NAMES = (
    st.from_regex(r"[a-z][a-z0-9_]{0,12}_?", fullmatch=True)
    | st.sampled_from([*_RULES["dart_keywords"], *_RULES["reserved_names"]])
    | st.text(st.sampled_from("abz09_AZ-./ \né"), max_size=8)
)
PREFIXES = NAMES.map(lambda name: f"{name}_") | st.builds(
    lambda reserved, rest: reserved + rest,
    st.sampled_from(_RULES["reserved_prefixes"]),
    st.sampled_from(["", "mine_", "x"]),
)


@given(NAMES)
def test_the_question_and_the_toolkit_agree_on_names(name: str) -> None:
    assert bool(_error("plugin_name", name)) == _refuses(names.check_plugin_name, name)


@given(PREFIXES)
def test_the_question_and_the_toolkit_agree_on_prefixes(prefix: str) -> None:
    assert bool(_error("prefix", prefix)) == _refuses(names.check_prefix, prefix)


@given(NAMES)
def test_the_question_and_the_toolkit_agree_on_components(name: str) -> None:
    assert bool(_error("components", [name])) == _refuses(names.check_component, name)


@given(st.from_regex(r"[a-z][a-z0-9]{0,3}(_flutter|_plugin|_model|_x){0,2}", fullmatch=True))
def test_the_question_and_the_toolkit_propose_the_same_prefix(name: str) -> None:
    assert _DEFAULT_PREFIX.render(
        plugin_name=name, _copier_conf={"defaults": True}
    ) == names.default_prefix(name)


@pytest.mark.slow
def test_a_prefix_in_the_runtime_plugins_registry_is_refused(
    template: Path, tmp_path: Path
) -> None:
    runtime = render(template, tmp_path / "tvm_runtime_flutter", kind="runtime")
    registry = runtime / "tvm_plugins.yaml"
    registry.write_text("version: 1\nplugins:\n  g2p_flutter: {prefix: g2p_}\n")
    for taken in ("g2p_", "g2p_encoder_"):
        with pytest.raises(UserMessageError) as caught:
            render(template, tmp_path / "other", prefix=taken)
        assert "g2p_flutter holds g2p_" in one_line(str(caught.value))
        assert not (tmp_path / "other").exists()
    render(template, tmp_path / "g2p_flutter")
    render(template, tmp_path / "g2_flutter")


@pytest.mark.slow
def test_pins_and_rules_are_not_recorded(template: Path, tmp_path: Path) -> None:
    recorded = (render(template, tmp_path / "g2p_flutter") / ".copier-answers.yml").read_text()
    assert [name for name in _RULES if f"\n{name}:" in recorded] == []


def test_the_parts_of_the_runtime_are_those_that_can_be_built() -> None:
    assert set(choices("runtime_parts")) == set(PARTS)
    for part in PARTS:
        assert f'"{part}"' in (REPOSITORY / "questions" / "checks.jinja").read_text()
