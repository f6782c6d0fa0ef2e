"""What a request says, and which server an address names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug.errors import FleetError
from tvmplug.fleet import addresses
from tvmplug.fleet.config import Host
from tvmplug.fleet.host_programs import Project
from tvmplug.fleet.hosts import hosting_for, project_of
from tvmplug.fleet.push_text import BEGIN, END, Side, body, merged, title
from tvmplug.fleet.records import Change

OLD, NEW = Side(version="v1", tvm="0.27"), Side(version="v2", tvm="0.28")


def _body(changes: tuple[Change, ...] = (), template: str | None = None, name: str = "p") -> str:
    return body(
        name=name, template=template, before=OLD, after=NEW, changes=changes, notices=[]
    )  # fmt: skip


def _change(path: str, status: str = "M", lines: tuple[int | None, int | None] = (1, 2)) -> Change:
    return Change(status=status, path=path, added=lines[0], removed=lines[1])


def test_the_title_names_what_moves() -> None:
    assert title(OLD, NEW) == "Update the template to v2 and TVM to 0.28"
    assert title(OLD, Side(version="v2", tvm="0.27")) == "Update the template to v2"
    assert title(OLD, Side(version="v1", tvm="0.28")) == "Update TVM to 0.28"
    assert title(OLD, OLD) == "Update the answers of the template"


def test_the_files_are_counted_by_what_happened_to_them() -> None:
    told = _body(
        (
            _change("a.txt"),
            _change("b.bin", "A", (None, None)),
            _change("old.md", "D", (0, 9)),
            _change("c.txt"),
        )
    )
    assert "<summary>4 files: 2 changed, 1 added, 1 deleted</summary>" in told
    assert "| `a.txt` | +1 / -2 |" in told
    assert "| `b.bin` | binary, added |" in told
    assert "| `old.md` | +0 / -9, deleted |" in told
    assert "<summary>No file changes</summary>" in _body()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a|b", "`a\\|b`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("</details>\n@me", "`</details> @me`"),
    ],
)
def test_a_strange_name_changes_nothing_around_it(path: str, shown: str) -> None:
    assert f"| {shown} | +1 / -2 |" in _body((_change(path),))


def test_a_template_is_named_by_its_address_alone() -> None:
    assert "(`gh:acme/t`)" in _body(template="gh:acme/t")
    assert "(`https://example.com/t.git`)" in _body(template="https://me:x@example.com/t.git")
    assert "/home/me" not in _body(template="/home/me/t")


def test_a_description_stays_below_what_servers_take() -> None:
    many = tuple(_change(f"{'long/' * 100}{number}") for number in range(500))
    told = _body(many)
    assert len(told) < 65_536
    assert told.endswith(END)
    few = tuple(_change(str(number)) for number in range(500))
    assert "| and 300 more | |" in _body(few)


def test_only_our_part_of_a_description_is_replaced() -> None:
    ours, newer = _body(), _body((_change("a"),))
    assert merged(f"Above\r\n\r\n{ours}\r\n\r\nBelow", newer) == f"Above\n\n{newer}\n\nBelow"
    assert merged("", newer) == newer
    assert merged("somebody emptied it", newer) == newer
    assert merged(f"{END} {BEGIN}", newer) == newer


@pytest.mark.parametrize(
    ("setting", "address", "program"),
    [
        ("auto", "git@github.com:acme/x.git", "gh"),
        ("auto", "https://github.com/acme/x", "gh"),
        ("auto", "https://github.acme.com/acme/x", "gh"),
        ("auto", "https://acme.ghe.com/acme/x", "gh"),
        ("auto", "ssh://git@gitlab.com:22/acme/x.git", "glab"),
        ("auto", "git@gitlab.acme.com:acme/x.git", "glab"),
        ("auto", "git@code.acme.com:acme/x.git", None),
        ("auto", "https://notgithub.example.com/acme/x", None),
        ("auto", "/srv/github/x.git", None),
        ("github", "git@code.acme.com:acme/x.git", "gh"),
        ("gitlab", "git@github.com:acme/x.git", "glab"),
        ("none", "git@github.com:acme/x.git", None),
    ],
)
def test_the_address_tells_the_server_unless_the_fleet_does(
    setting: str, address: str, program: str | None
) -> None:
    found = hosting_for(Host(setting), address)
    assert (found.program if found is not None else None) == program


@pytest.mark.parametrize(
    ("address", "host", "path"),
    [
        ("git@github.com:acme/x.git", "github.com", "acme/x"),
        ("https://me:token@github.com/acme/x.git/", "github.com", "acme/x"),
        ("ssh://git@gitlab.acme.com:2222/a/b/x.git", "gitlab.acme.com", "a/b/x"),
        ("https://GitLab.acme.com:8443/a/b/x", "gitlab.acme.com:8443", "a/b/x"),
    ],
)
def test_an_address_names_server_owner_and_name(address: str, host: str, path: str) -> None:
    assert project_of(address) == Project(host=host, path=path)


@pytest.mark.parametrize("address", ["/srv/x.git", "git@github.com:x.git", "https://github.com/"])
def test_an_address_without_an_owner_is_refused(address: str) -> None:
    with pytest.raises(FleetError, match="names no repository of a server"):
        project_of(address)


def test_credentials_are_never_shown() -> None:
    assert addresses.without_credentials("https://me:x@h.com:8/a") == "https://h.com:8/a"
    assert addresses.without_credentials("https://me:a@b@h.com/a@b") == "https://h.com/a@b"
    assert addresses.without_credentials("https://token@[half/a") == "https://[half/a"
    assert addresses.without_credentials("git@h.com:a/b") == "git@h.com:a/b"
    assert addresses.password("https://me:x@h.com/a")
    assert not addresses.password("https://me@h.com:8/a:b@c")
    assert addresses.expand("git+https://h.com/a", Path("/")) == "https://h.com/a"
