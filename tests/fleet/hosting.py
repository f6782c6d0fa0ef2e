"""A stand-in for `gh` and `glab`: their documented options, and requests kept in a JSON file.

It is installed under either name by `install`, and runs as a program of its own. What it takes and
says is that of gh 2.46 and glab 1.53; an option that they do not have is refused as they do.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, cast

STATE = "HOSTING_STAND_IN"


def install(folder: Path, state: Path, *programs: str, **more: Any) -> None:
    """Put stand-ins into a folder for PATH.

    Args:
        folder: The folder.
        state: The JSON file; STATE must name it.
        programs: `gh`, `glab`.
        more: `hosts`: logged in to; `repositories`: bare repositories by HOST/PATH; `fails`: what
            to say, by the words of a command.
    """
    folder.mkdir(exist_ok=True)
    for program in programs:
        script = folder / program
        script.write_text(f"#!{sys.executable} -IS\n{Path(__file__).read_text()}")
        script.chmod(0o755)
    state.write_text(json.dumps({"requests": [], "calls": [], "fails": {}, **more}))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _fail(message)  # cobra: "unknown flag: --x", status 1


def _fail(message: str, status: int = 1) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(status)


@contextlib.contextmanager
def _state() -> Iterator[dict[str, Any]]:
    with Path(os.environ[STATE]).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        try:
            yield state
        finally:
            file.seek(0)
            file.truncate()
            json.dump(state, file, indent=1)


def main() -> int:
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    for variable in ("GH_PROMPT_DISABLED", "NO_PROMPT"):
        assert os.environ[variable] == "1", "it would ask at the terminal"
    assert not Path(".git").exists(), "it would guess the repository from the folder"
    with _state() as state:
        words = next(
            (" ".join(arguments[:n]) for n in (2, 1) if " ".join(arguments[:n]) in _COMMANDS), ""
        )
        state["calls"].append(" ".join([program, words]))
        if words in state["fails"]:
            _fail(state["fails"][words])
        if (program, words) not in _PROGRAMS:
            _fail(f"unknown command {arguments} for {program}")
        parser = _Parser(allow_abbrev=False)
        for option, settings in _PROGRAMS[program, words].items():
            parser.add_argument(option, **settings)
        parsed = parser.parse_args(arguments[len(words.split()) :])
        return int(_COMMANDS[words](state, program, parsed))


def _auth(state: dict[str, Any], program: str, args: argparse.Namespace) -> int:
    if args.hostname not in state["hosts"]:
        _fail(f"You are not logged into any accounts on {args.hostname}")
    return 0


def _repository(state: dict[str, Any], program: str, args: argparse.Namespace) -> str:
    name = args.repo
    if program == "glab":
        assert name.startswith("https://"), name
        name = name.removeprefix("https://")
    host = name.partition("/")[0]
    if host not in state["hosts"]:
        _fail("To get started with GitHub CLI, please run:  gh auth login", 4)
    if name not in state["repositories"]:
        _fail(f"GraphQL: Could not resolve to a Repository with the name '{name}'.")
    return str(name)


def _open(state: dict[str, Any], repository: str, branch: str) -> list[dict[str, Any]]:
    return [
        each
        for each in state["requests"]
        if (each["repository"], each["branch"], each["state"]) == (repository, branch, "open")
    ]


def _list(state: dict[str, Any], program: str, args: argparse.Namespace) -> int:
    if program == "gh":
        found = _open(state, _repository(state, program, args), args.head)
        every = [
            {
                "number": each["number"],
                "url": each["url"],
                "title": each["title"],
                # What a browser sent back has these line ends.
                "body": each["body"].replace("\n", "\r\n"),
                "isDraft": each["draft"],
                "isCrossRepository": each["fork"],
            }
            for each in found
        ]
        fields = args.json.split(",")
        print(json.dumps([{field: each[field] for field in fields} for each in every]))
        return 0
    found = _open(state, _repository(state, program, args), args.source_branch)
    print(
        json.dumps(
            [
                {
                    "iid": each["number"],
                    "web_url": each["url"],
                    "title": ("Draft: " if each["draft"] else "") + each["title"],
                    "description": each["body"],
                    "draft": each["draft"],
                    "source_project_id": 2 if each["fork"] else 1,
                    "target_project_id": 1,
                    "source_branch": args.source_branch,
                }
                for each in found
            ]
        )
    )
    return 0


def _create(state: dict[str, Any], program: str, args: argparse.Namespace) -> int:
    repository = _repository(state, program, args)
    branch = args.head if program == "gh" else args.source_branch
    base = (args.base if program == "gh" else args.target_branch) or "main"
    body = sys.stdin.read() if program == "gh" else args.description
    assert program == "gh" or args.yes, "it would ask at the terminal"
    assert program == "glab" or args.body_file == "-"
    for name in (branch, base):
        known = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{name}"],
            cwd=state["repositories"][repository],
            check=False,
            capture_output=True,
        )
        if known.returncode != 0:
            _fail(f"pull request create failed: Head sha can't be blank, no branch {name}")
    if _open(state, repository, branch):
        _fail(f'a pull request for branch "{branch}" into branch "{base}" already exists')
    number = len(state["requests"]) + 1
    middle = "pull" if program == "gh" else "-/merge_requests"
    url = f"https://{repository}/{middle}/{number}"
    state["requests"].append(
        {
            "repository": repository,
            "number": number,
            "url": url,
            "branch": branch,
            "base": base,
            "title": args.title,
            "body": body,
            "draft": args.draft,
            "fork": False,
            "state": "open",
        }
    )
    if program == "glab":
        print(f"\nCreating merge request for {branch} into {base} in {repository}\n")
        print(f"!{number} {args.title} ({branch})\n {url}\n")
    else:
        print(url)
    return 0


def _update(state: dict[str, Any], program: str, args: argparse.Namespace) -> int:
    repository = _repository(state, program, args)
    request = _numbered(state, repository, int(args.id))
    request["draft"] = args.title.startswith("Draft: ")
    request["title"] = args.title.removeprefix("Draft: ")
    request["body"] = args.description
    return 0


def _api(state: dict[str, Any], program: str, args: argparse.Namespace) -> int:
    assert (args.method, args.input) == ("PATCH", "-")
    path = re.fullmatch(r"repos/([\w.-]+/[\w.-]+)/pulls/(\d+)", args.endpoint)
    assert path is not None, args.endpoint
    request = _numbered(state, f"{args.hostname}/{path[1]}", int(path[2]))
    told = json.load(sys.stdin)
    assert set(told) == {"title", "body"}
    request.update(told)
    print("{}")
    return 0


def _numbered(state: dict[str, Any], repository: str, number: int) -> dict[str, Any]:
    for each in state["requests"]:
        if (each["repository"], each["number"]) == (repository, number):
            return cast("dict[str, Any]", each)
    _fail("HTTP 404: Not Found")


_FLAG: dict[str, Any] = {"action": "store_true"}
_MUST: dict[str, Any] = {"required": True}
_MAY: dict[str, Any] = {}
_COMMANDS = {
    "auth status": _auth,
    "pr list": _list,
    "mr list": _list,
    "pr create": _create,
    "mr create": _create,
    "mr update": _update,
    "api": _api,
}
_PROGRAMS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("gh", "auth status"): {"--hostname": _MUST},
    ("gh", "pr list"): {
        "--repo": _MUST,
        "--head": _MUST,
        "--state": {"choices": ["open", "closed", "merged", "all"]},
        "--json": _MUST,
    },
    ("gh", "pr create"): {
        "--repo": _MUST,
        "--head": _MUST,
        "--base": _MAY,
        "--title": _MUST,
        "--body-file": _MUST,
        "--draft": _FLAG,
    },
    ("gh", "api"): {"--hostname": _MUST, "--method": _MUST, "--input": _MUST, "endpoint": {}},
    ("glab", "auth status"): {"--hostname": _MUST},
    ("glab", "mr list"): {"--repo": _MUST, "--source-branch": _MUST, "--output": _MUST},
    ("glab", "mr create"): {
        "--repo": _MUST,
        "--source-branch": _MUST,
        "--target-branch": _MAY,
        "--title": _MUST,
        "--description": _MUST,
        "--draft": _FLAG,
        "--yes": _FLAG,
    },
    ("glab", "mr update"): {"--repo": _MUST, "--title": _MUST, "--description": _MUST, "id": {}},
}

if __name__ == "__main__":
    sys.exit(main())
