"""What authors do to their plugins: random edits of every kind, the same for the same number."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.templates.conftest import commit, git

_Edit = Callable[[random.Random, Path], None]


def edit_at_random(project: Path, seed: int, most: int = 6) -> list[str]:
    """Make some random edits to a plugin and commit them; returns what was done."""
    chance = random.Random(seed)  # noqa: S311, nothing secret
    done = []
    for _ in range(chance.randint(1, most)):
        edit = chance.choice(EDITS)
        edit(chance, project)
        done.append(edit.__name__.removeprefix("_"))
    commit(project, "Edited")
    return done


def files(project: Path) -> list[Path]:
    """Tracked and new files, in a stable order, but for the answers file."""
    names = git(
        project, "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    ).split("\0")  # fmt: skip
    paths = [project / name for name in sorted(set(names)) if name not in {"", _ANSWERS}]
    return [path for path in paths if path.is_symlink() or path.is_file()]


_ANSWERS = ".copier-answers.yml"


def _texts(project: Path) -> list[Path]:
    return [
        path for path in files(project)
        if not path.is_symlink() and path.suffix not in {".bin", ""} and path.stat().st_size
    ]  # fmt: skip


def _line(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    lines = path.read_bytes().split(b"\n")
    at = chance.randrange(len(lines))
    lines[at : at + chance.randint(0, 1)] = [b"# mine %d" % chance.randrange(1000)]
    path.write_bytes(b"\n".join(lines))


def _same_line(chance: random.Random, project: Path) -> None:
    """The line that the template changes too."""
    path = project / chance.choice(["rust/src/lib.rs", "tool/check.sh", "linux/CMakeLists.txt"])
    if path.is_file() and not path.is_symlink():
        text = path.read_bytes()
        for line in (b"line 20: nothing", b"Two.", b"VERSION 3.13"):
            text = text.replace(line, b"mine %d" % chance.randrange(1000))
        path.write_bytes(text)


def _delete(chance: random.Random, project: Path) -> None:
    chance.choice(files(project)).unlink()


def _delete_folder(chance: random.Random, project: Path) -> None:
    folder = chance.choice(["docs", "components", "windows", "tool"])
    for path in files(project):
        if path.relative_to(project).parts[0] == folder:
            path.unlink()


def _rename(chance: random.Random, project: Path) -> None:
    path = chance.choice(files(project))
    path.rename(path.with_name(f"mine {chance.randrange(100)} {path.name}"))


def _binary(chance: random.Random, project: Path) -> None:
    path = project / "assets/logo.bin"
    if path.is_file():
        path.write_bytes(path.read_bytes() + bytes([0, chance.randrange(256)]))


def _no_utf8(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    path.write_bytes(path.read_bytes() + b"\xff\xfe mine\n")


def _symlink(chance: random.Random, project: Path) -> None:
    path = project / "current"
    path.unlink(missing_ok=True)
    if chance.random() < 0.5:
        path.symlink_to(f"docs/mine{chance.randrange(9)}.md")
    else:
        path.write_text("mine\n")


def _becomes_symlink(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    path.unlink()
    path.symlink_to("/nowhere")


def _executable(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    path.chmod(path.stat().st_mode ^ 0o111)


def _crlf(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    content = path.read_bytes()
    crlf = b"\r\n" in content
    path.write_bytes(content.replace(b"\r\n", b"\n") if crlf else content.replace(b"\n", b"\r\n"))


def _empty(chance: random.Random, project: Path) -> None:
    chance.choice(_texts(project)).write_bytes(b"")


def _no_last_newline(chance: random.Random, project: Path) -> None:
    path = chance.choice(_texts(project))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))


def _own_file(chance: random.Random, project: Path) -> None:
    names = ["mine.txt", "docs/größe.md", 'a "quoted" name.txt', "news/v0.2.0.md", "docs/mine.md",
             "docs/guide-v0.2.0.md", "lib/src/more.dart", "keep.rej", "*.md"]  # fmt: skip
    path = project / chance.choice(names)
    if path.parent.is_symlink() or path.is_symlink():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# mine {chance.randrange(1000)}\n")


def _ignored_output(chance: random.Random, project: Path) -> None:
    name = chance.choice(["build/out.bin", "generated/stamp.txt", "some.tmp", "generated/x y"])
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"made %d\n" % chance.randrange(1000))


def _ignores_more(chance: random.Random, project: Path) -> None:
    path = project / ".gitignore"
    if not path.is_symlink():
        before = path.read_text(errors="replace") if path.exists() else ""
        path.write_text(before + chance.choice(["*.rej\n", "*.orig\n", "/news/\n", "/more/\n"]))


def _answer(chance: random.Random, project: Path) -> None:
    path = project / _ANSWERS
    text = path.read_text()
    old, new = chance.choice(
        [
            ("- model\n", "- encoder\n- decoder\n"),
            ("description: A model.", "description: Mine, all mine."),
            ("organisation: com.example", "organisation: org.mine"),
            ("- linux\n", "- linux\n- android\n"),
        ]
    )
    path.write_text(text.replace(old, new))


def _folder_for_file(chance: random.Random, project: Path) -> None:
    path = chance.choice([project / "docs/old.md", project / "windows/run.bat"])
    if path.is_file() and not path.is_symlink():
        path.unlink()
        path.mkdir()
        (path / "inside").write_text("mine\n")


EDITS: tuple[_Edit, ...] = (
    _line, _line, _same_line, _same_line, _same_line, _delete, _delete_folder, _rename, _binary,
    _no_utf8, _symlink, _becomes_symlink, _executable, _crlf, _empty, _no_last_newline, _own_file,
    _own_file, _ignored_output, _ignores_more, _answer, _answer, _folder_for_file,
)  # fmt: skip
