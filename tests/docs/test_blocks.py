"""Every command on every page is run by a test, or says why not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.pages import COMMANDS, ROOT, Block, blocks_of
from tests.docs.running import Reader, check_output

# Pages that tests run from their first block to their last: see conftest.py.
FOLLOWED = {"docs/tutorial.md", "docs/how-to/prefix-collision.md"}
# Pages whose files make a plugin together, which test_plugin_of_pages.py builds.
BUILT = {"docs/export-script.md", "docs/rust-api.md"}


def pages() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/README.md")]
    return sorted(page for page in found if page.name != "CHANGELOG.md")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_is_run_or_says_why_not(page: Path) -> None:
    silent = [
        block.place
        for block in blocks_of(page)
        if block.is_to_run
        and block.reason is None
        and name_of(page) not in FOLLOWED
        and not (block.title and name_of(page) in BUILT)
    ]
    assert silent == [], "write `<!-- not run: WHY -->` before it, or run the page in tests/docs"


def test_every_page_that_is_followed_has_commands() -> None:
    for name in FOLLOWED:
        run = [each for each in blocks_of(ROOT / name) if each.is_command and not each.reason]
        assert run, name


def test_a_marker_counts_for_the_next_block_only(tmp_path: Path) -> None:
    first, second = read(
        tmp_path, "<!-- not run: it downloads -->\n```sh\na\n```\n\n```sh\nb\n```\n"
    )
    assert (first.reason, second.reason) == ("it downloads", None)


def test_text_between_marker_and_block_parts_them(tmp_path: Path) -> None:
    (block,) = read(tmp_path, "<!-- not run: it downloads -->\n\nWords.\n\n```sh\na\n```\n")
    assert block.reason is None


def test_output_is_what_stands_right_behind_a_command(tmp_path: Path) -> None:
    found = read(tmp_path, "```sh\na\n```\n\n```text\nb\n```\n\nWords.\n\n```text\nc\n```\n")
    assert [each.answers for each in found] == [False, True, False]


def test_a_command_that_is_to_fail_says_so(tmp_path: Path) -> None:
    first, second = read(tmp_path, "<!-- fails -->\n```sh\nfalse\n```\n\n```sh\ntrue\n```\n")
    assert (first.fails, second.fails) == (True, False)
    reader = Reader(tmp_path, {"PATH": os.environ["PATH"]})
    reader.follow([first, second])
    for wrong in (replace(first, fails=False), replace(second, fails=True)):
        with pytest.raises(AssertionError):
            reader.follow([wrong])


def test_the_reader_goes_where_the_last_block_went(tmp_path: Path) -> None:
    page = "```sh\nmkdir a\ncd a\n```\n\n```sh\nbasename $PWD\n```\n\n```text\na\n```\n"
    reader = Reader(tmp_path, {"PATH": os.environ["PATH"]})
    reader.follow(read(tmp_path, page))
    assert reader.cwd == tmp_path / "a"


def test_a_title_names_a_file(tmp_path: Path) -> None:
    (block,) = read(tmp_path, '```python title="model/export.py"\nx = 1\n```\n')
    assert (block.language, block.title, block.text) == ("python", "model/export.py", "x = 1\n")


@pytest.mark.parametrize("text", ["  ```sh\n  a\n  ```\n", "```sh\na\n", "```\na\n```\n"])
def test_a_fence_that_renders_as_something_else_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fence"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a ... c\n", "a b c\n", True),
        ("...\nc\n", "a\nb\nc\n", True),
        ("...\nc\n", "c\n", True),
        ("a\n...\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a ...\n", "a\nb\n", False),
        ("2.0\n", "2x0\n", False),
    ],
)
def test_dots_stand_for_what_may_differ(
    shown: str, printed: str, same: bool, tmp_path: Path
) -> None:
    (_, block) = read(tmp_path, f"```sh\na\n```\n```text\n{shown}```\n")
    if same:
        check_output(block, printed)
    else:
        with pytest.raises(AssertionError):
            check_output(block, printed)


def test_all_shells_count_as_commands() -> None:
    assert {"sh", "bash", "console"} <= COMMANDS


def read(folder: Path, text: str) -> list[Block]:
    page = folder / "page.md"
    page.write_text(text)
    return blocks_of(page)
