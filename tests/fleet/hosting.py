"""A stand-in for `gh` and `glab`: their documented options, and requests kept in a JSON file.

It is installed under either name by `install`, and runs as a program of its own. It behaves as gh
2.46 and glab 1.53 did in front of a server of the same answers; an option that is not expected is
refused, as they refuse what they do not know.
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
from urllib.parse import parse_qsl, unquote, urlsplit

STATE = "HOSTING_STAND_IN"


def install(folder: Path, state: Path, *programs: str, **more: Any) -> None:
    """Put stand-ins into a folder for PATH.

    Args:
        folder: The folder.
        state: The JSON file; STATE must name it.
        programs: `gh`, `glab`.
        more: `hosts`: logged in to; `repositories`: bare repositories by HOST/PATH; `fails`: what
            the server answers, by the method of a call.
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


def main() -> None:
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    for variable in ("GH_PROMPT_DISABLED", "NO_PROMPT"):
        assert os.environ[variable] == "1", "it would ask at the terminal"
    assert not Path(".git").exists(), "it would guess the repository from the folder"
    with _state() as state:
        if arguments[:2] == ["auth", "status"]:
            state["calls"].append(f"{program} auth status")
            _auth(state, program, arguments[2:])
        elif arguments[:1] == ["api"]:
            _api(state, program, arguments[1:])
        else:
            _fail(f"unknown command {arguments} for {program}")


def _auth(state: dict[str, Any], program: str, arguments: list[str]) -> None:
    parser = _Parser(allow_abbrev=False)
    parser.add_argument("--hostname", required=True)
    host = parser.parse_args(arguments).hostname
    if host not in state["hosts"]:
        _fail(f"You are not logged into any accounts on {host}")


def _api(state: dict[str, Any], program: str, arguments: list[str]) -> None:
    parser = _Parser(allow_abbrev=False)
    parser.add_argument("endpoint")
    parser.add_argument("--method", required=True)
    parser.add_argument("--header")
    parser.add_argument("--input", choices=["-"])
    if program == "gh":
        parser.add_argument("--hostname", required=True)
    args = parser.parse_args(arguments)
    host = args.hostname if program == "gh" else os.environ["GITLAB_HOST"]
    if host not in state["hosts"]:
        _fail("To get started with GitHub CLI, please run:  gh auth login", 4)
    url = urlsplit(args.endpoint)
    verb = args.method if url.path.count("/") > 2 - (program == "glab") else "GET project"
    state["calls"].append(f"{program} {verb}")
    if verb in state["fails"]:
        _refuse(program, 502, state["fails"][verb])
    told = json.load(sys.stdin) if args.input else {}
    assert not told or args.header == "Content-Type: application/json"
    server = (_GitHub if program == "gh" else _GitLab)(state, host)
    print(json.dumps(server.answer(args.method, url.path, dict(parse_qsl(url.query)), told)))


def _refuse(program: str, status: int, message: str, *errors: str) -> NoReturn:
    """As both do: one line on stderr, the server's answer on stdout."""
    answer = {"message": message, "errors": [{"message": each} for each in errors]}
    print(json.dumps(answer))
    _fail(f"{program}: {message} (HTTP {status})")


class _Server:
    """One server's REST interface to the requests in the state."""

    program = ""
    path = ""  # of a project, of its requests, of one of them

    def __init__(self, state: dict[str, Any], host: str) -> None:
        self.state, self.host = state, host

    def answer(self, method: str, path: str, query: dict[str, str], told: dict[str, Any]) -> Any:
        found = re.fullmatch(self.path, path)
        assert found is not None, path
        name = f"{self.host}/{unquote(found['project'])}"
        if name not in self.state["repositories"]:
            _refuse(self.program, 404, "Not Found")
        if found["requests"] is None:
            return {"default_branch": "main"}
        if found["number"] is not None:
            request = self._numbered(name, int(found["number"]))
            request.update(self.read(told))
            return self.show(request)
        if method == "GET":
            branch = self.asked(name, query)
            return [self.show(each) for each in self._open(name, branch)]
        return self.show(self._create(name, self.read(told)))

    def asked(self, name: str, query: dict[str, str]) -> str:
        raise NotImplementedError

    def read(self, told: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def show(self, request: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _open(self, name: str, branch: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.state["requests"]
            if (each["repository"], each["branch"], each["state"]) == (name, branch, "open")
            and not (each["fork"] and self.program == "gh")  # a fork's is OTHER:BRANCH
        ]

    def _numbered(self, name: str, number: int) -> dict[str, Any]:
        for each in self.state["requests"]:
            if (each["repository"], each["number"]) == (name, number):
                return cast("dict[str, Any]", each)
        _refuse(self.program, 404, "Not Found")

    def _create(self, name: str, told: dict[str, Any]) -> dict[str, Any]:
        for branch in (told["branch"], told["base"]):
            known = subprocess.run(
                ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"],
                cwd=self.state["repositories"][name],
                check=False,
                capture_output=True,
            )
            if known.returncode != 0:
                _refuse(self.program, 422, "Validation Failed", f"no branch {branch}")
        if any(not each["fork"] for each in self._open(name, told["branch"])):
            _refuse(self.program, 422, "Validation Failed", "A pull request already exists")
        number = len(self.state["requests"]) + 1
        request = {
            "repository": name,
            "number": number,
            "url": f"https://{name}/pull/{number}",
            "fork": False,
            "state": "open",
            **told,
        }
        self.state["requests"].append(request)
        return request


class _GitHub(_Server):
    program = "gh"
    path = r"repos/(?P<project>[^/]+/[^/]+)(?P<requests>/pulls(/(?P<number>\d+))?)?"

    def asked(self, name: str, query: dict[str, str]) -> str:
        assert set(query) == {"state", "head"}
        assert query["state"] == "open"
        owner, _, branch = query["head"].partition(":")
        assert owner == name.split("/")[1]
        return branch

    def read(self, told: dict[str, Any]) -> dict[str, Any]:
        names = {"head": "branch"}
        return {names.get(key, key): value for key, value in told.items()}

    def show(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "number": request["number"],
            "html_url": request["url"],
            "title": request["title"],
            # What a browser sent back has these line ends.
            "body": request["body"].replace("\n", "\r\n"),
            "draft": request["draft"],
        }


class _GitLab(_Server):
    program = "glab"
    path = r"projects/(?P<project>[^/]+)(?P<requests>/merge_requests(/(?P<number>\d+))?)?"

    def asked(self, name: str, query: dict[str, str]) -> str:
        assert set(query) == {"state", "source_branch"}
        assert query["state"] == "opened"
        return query["source_branch"]

    def read(self, told: dict[str, Any]) -> dict[str, Any]:
        names = {"source_branch": "branch", "target_branch": "base", "description": "body"}
        known = {names.get(key, key): value for key, value in told.items()}
        draft = known["title"].startswith("Draft: ")
        return {**known, "title": known["title"].removeprefix("Draft: "), "draft": draft}

    def show(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "iid": request["number"],
            "web_url": request["url"],
            "title": ("Draft: " if request["draft"] else "") + request["title"],
            "description": request["body"],
            "source_project_id": 2 if request["fork"] else 1,
            "target_project_id": 1,
        }


if __name__ == "__main__":
    main()
