"""`cookiecutter <this repository>` makes the project that `copier copy` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_cookies.plugin import Cookies

from tests.templates.conftest import commit, files_of, git, render, update
from tests.templates.matrix import choices, variants
from tvmplug.publish import publish

PICKED = (
    "runtime-Apache-2.0",
    "runtime-apple-static",
    "model-torch-git-Apache-2.0",
    "model-two-components",
    "model-long-name",
    "model-phones-static",
)


@pytest.fixture(autouse=True)
def this_python_has_the_toolkit(isolated: None) -> Iterator[None]:
    """The hook runs the toolkit of this checkout in this environment, and makes no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TVMPLUG_TOOLKIT_PYTHON", sys.executable)
        patch.setenv("NO_COLOR", "1")
        yield


def typed(answers: dict[str, Any]) -> dict[str, str]:
    """Answers as they are typed at Cookiecutter's prompts: lists in brackets."""
    return {
        name: f"[{', '.join(value)}]" if isinstance(value, list) else value
        for name, value in answers.items()
    }


def named(answers: dict[str, Any]) -> dict[str, Any]:
    """Answers with the name that Copier takes from the folder, and Cookiecutter asks for."""
    name = "tvm_runtime_flutter" if answers["kind"] == "runtime" else "kokoro_flutter"
    return {"plugin_name": name, **answers}


def modes_of(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.lstat().st_mode
        for path in folder.rglob("*")
        if ".git" not in path.relative_to(folder).parts
    }


def assert_equal(baked: Path, copied: Path) -> None:
    assert files_of(baked) == files_of(copied)
    assert modes_of(baked) == modes_of(copied)


@pytest.mark.parametrize("variant", PICKED)
def test_the_project_is_byte_for_byte_copiers(
    cookies: Cookies, template: Path, tmp_path: Path, variant: str
) -> None:
    answers = named(variants()[variant])
    result = cookies.bake(template=str(template), extra_context=typed(answers))
    assert result.exception is None
    copied = render(template, tmp_path / answers["plugin_name"], **answers)
    assert_equal(result.project_path, copied)


def test_with_no_answers_both_make_the_same(
    cookies: Cookies, template: Path, tmp_path: Path
) -> None:
    result = cookies.bake(template=str(template))
    assert result.exception is None
    assert result.project_path.name == "hello_flutter"
    assert_equal(result.project_path, render(template, tmp_path / "hello_flutter"))


@given(
    st.fixed_dictionaries(
        {
            "plugin_name": st.from_regex(
                r"\A[b-f][a-z0-9]{2,8}(_[a-z0-9]{1,6}){0,3}(_flutter|_model)?\Z"
            ),
            "author": st.text(st.sampled_from("aé ü'#&:%-@0"), min_size=1).filter(str.strip),
            "source": st.sampled_from(choices("source")),
            "components": st.lists(
                st.sampled_from(["encoder", "decoder_step", "head"]), min_size=1, unique=True
            ),
        }
    )
)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_answered_both_make_or_refuse_the_same(
    cookies: Cookies,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    answers: dict[str, Any],
) -> None:
    result = cookies.bake(template=str(template), extra_context=typed(answers))
    copied = tmp_path_factory.mktemp("copied") / answers["plugin_name"]
    try:
        render(template, copied, kind="model", **answers)
    except Exception:
        assert result.exit_code != 0
    else:
        assert result.exception is None
        assert_equal(result.project_path, copied)


def test_copier_updates_it(cookies: Cookies, own_template: Path) -> None:
    result = cookies.bake(template=str(own_template), extra_context={"plugin_name": "g2p_flutter"})
    assert result.exception is None
    folder = result.project_path
    git(folder, "init", "--quiet")
    commit(folder, "Generated")
    (own_template / "template-model/NOTICE.md").write_text("# New\n")
    commit(own_template, "Second release", tag="v0.2.0")
    update(folder)
    assert git(folder, "status", "--porcelain") == "M .copier-answers.yml\n?? NOTICE.md"
    assert "_commit: v0.2.0" in (folder / ".copier-answers.yml").read_text()


@pytest.mark.parametrize("kind", ["runtime", "model"])
def test_a_mirror_asks_for_its_own_kind_only(
    cookies: Cookies, own_template: Path, tmp_path: Path, kind: str
) -> None:
    publish(own_template, str(tmp_path / "mirrors"), "v0.1.0")
    mirror = tmp_path / "mirrors" / f"template-{kind}.git"
    git(tmp_path, "clone", "--quiet", str(mirror), "checkout")
    checkout = tmp_path / "checkout"
    asked = json.loads((checkout / "cookiecutter.json").read_text())
    assert "kind" not in asked
    assert ("prefix" in asked) == (kind == "model")
    assert ("runtime_parts" in asked) == (kind == "runtime")
    assert not any("kind=" in str(prompt) for prompt in asked["__prompts__"].values())
    result = cookies.bake(template=str(checkout))
    assert result.exception is None
    assert_equal(result.project_path, render(checkout, tmp_path / result.project_path.name))


def cookiecutter(
    folder: Path, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in `folder`, with what is typed at its prompts."""
    config = folder / "cookiecutter.yaml"
    config.write_text(f"cookiecutters_dir: {folder}/clones\nreplay_dir: {folder}/replay\n")
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", "--config-file", str(config), *arguments],
        cwd=folder,
        env={**os.environ, "PWD": str(folder), "HOME": str(folder)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_asks_and_makes(template: Path, tmp_path: Path) -> None:
    relative = os.path.relpath(template, tmp_path)
    done = cookiecutter(tmp_path, relative, typed="1\nkokoro_flutter\nIt speaks.\n" + "\n" * 20)
    assert done.returncode == 0, done.stderr
    assert "as a list: [encoder, decoder_step]" in " ".join(done.stdout.split())
    answers = (tmp_path / "kokoro_flutter" / ".copier-answers.yml").read_text()
    assert "description: It speaks.\n" in answers
    assert "prefix: kokoro_\n" in answers
    assert f"_src_path: {template}\n" in answers


def test_a_clone_of_a_repository_updates_from_where_it_came(template: Path, tmp_path: Path) -> None:
    bare = tmp_path / "tvmplug.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(template), str(bare))
    address = f"file://{bare}"
    done = cookiecutter(
        tmp_path, address, "--checkout", "v0.1.0", "--no-input", "plugin_name=g2p_flutter"
    )
    assert done.returncode == 0, done.stderr
    answers = (tmp_path / "g2p_flutter" / ".copier-answers.yml").read_text()
    assert f"_src_path: {address}\n" in answers
    assert "_commit: v0.1.0\n" in answers


def test_a_wrong_answer_is_one_line_and_leaves_no_folder(template: Path, tmp_path: Path) -> None:
    done = cookiecutter(tmp_path, str(template), "--no-input", "prefix=tvm_")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said == [
        "error: prefix 'tvm_' collides with the reserved tvm_. "
        "Use a word of your own, such as the model's name: g2p_"
    ]
    assert not (tmp_path / "hello_flutter").exists()


def test_a_plugin_that_is_there_is_not_written_over(template: Path, tmp_path: Path) -> None:
    assert cookiecutter(tmp_path, str(template), "--no-input").returncode == 0
    export = tmp_path / "hello_flutter" / "model" / "export.py"
    export.write_text("mine = True\n")
    again = cookiecutter(tmp_path, str(template), "--no-input", "--overwrite-if-exists")
    assert again.returncode != 0
    assert "holds a plugin already" in again.stderr
    assert export.read_text() == "mine = True\n"
