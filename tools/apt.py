"""Packages of Debian's newest suite, fetched beside the machine's own packages.

Everything apt keeps (sources, lists, status, cache) lies in a folder of its own, so the
machine's packages are neither read nor changed. `install.py` calls this.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import run

SUITE = "sid"
OS_RELEASE = Path("/etc/os-release")
SOURCES = Path("/etc/apt")
_OFTEN_CHANGED = {"stable", "testing", "unstable", SUITE}
# The machine's settings that stay: how to reach its mirror. Its hooks, which clean
# /var/cache/apt and call desktop services, and its pinning of packages do not.
_KEPT_SETTINGS = (
    "Acquire",
    "APT::Architecture",
    "Dir::Bin",
    "Dir::Etc::netrc",
    "Dir::Etc::trusted",
)


class Unavailable(ToolError):  # noqa: N818 (a state of the machine, not a mistake)
    """Some tools cannot be had on this machine.

    Args:
        reason: Why, in a few words; it is what a skipped test shows.
        what: Which tools, as in "no ...".
    """

    def __init__(self, reason: str, what: str = "packages of Debian's") -> None:
        super().__init__(f"no {what}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Source:
    """One archive that apt knows, as the fields of a deb822 source.

    Attributes:
        uris: Where it is, as written in the machine's sources.
        suites: The suites the machine takes from it.
        components: Such as `main`.
        signed_by: A key ring's path, or a key block with its line ends; empty for apt's own.
        trusted: The machine takes it without a signature: an archive on its own disk.
    """

    uris: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    trusted: bool = False


def download(packages: Sequence[str], state: Path, *, without: Sequence[str] = ()) -> list[Path]:
    """Fetch packages of the newest suite with all that they depend on.

    Args:
        packages: Names of Debian packages.
        state: An empty folder for all that apt writes.
        without: Packages that are not needed, though others depend on them; nor is what only
            these depend on.

    Returns:
        The `.deb` files.

    Raises:
        Unavailable: This is no x86-64 Debian, its mirror cannot be reached, or the suite
            has no such package.
    """
    for tool in ("apt-get", "apt-config", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unavailable(f"no {tool} on this machine")
    if platform.machine() != "x86_64":
        raise Unavailable(f"only x86_64 is supported, this machine is {platform.machine()}")
    source = debian_source(read_sources(SOURCES), read_os_release(OS_RELEASE))
    environment = _private_state(state, source, without)
    _apt(environment, "update", failure=f"apt cannot read the package lists of {SUITE}")
    _apt(
        environment,
        "--yes",
        "--download-only",
        "install",
        *packages,
        failure=f"apt cannot fetch the packages from {SUITE}",
    )
    return sorted((state / "cache" / "archives").glob("*.deb"))


def read_os_release(path: Path) -> dict[str, str]:
    """The fields of /etc/os-release; none where there is no such file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, value in pairs}


def read_sources(folder: Path) -> list[Source]:
    """All enabled binary sources of apt, from files of both formats, in apt's order."""
    found: list[Source] = []
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += _parse_deb822(text) if path.suffix == ".sources" else _parse_lines(text)
    return found


def debian_source(sources: Sequence[Source], os_release: Mapping[str, str]) -> Source:
    """The machine's source of Debian itself, whose suite can be exchanged for a newer one.

    Args:
        sources: All of the machine's sources.
        os_release: What the machine says it is.

    Raises:
        Unavailable: It is not Debian, or takes no packages from Debian's archive.
    """
    if os_release.get("ID") != "debian":
        name = os_release.get("PRETTY_NAME") or "an unknown system"
        raise Unavailable(f"the packages are Debian's, this machine runs {name}")
    wanted = _OFTEN_CHANGED | {os_release.get("VERSION_CODENAME", "")}
    candidates = [
        source for source in sources if "main" in source.components and wanted & set(source.suites)
    ]
    if not candidates:
        raise Unavailable("apt has no source of Debian's main archive")
    # Another vendor's archive may use Debian's suite names too; Debian's mirrors end so.
    candidates.sort(key=lambda source: not source.uris.rstrip("/").endswith("debian"))
    return candidates[0]


def deb822(source: Source, suite: str) -> str:
    """A source of the same archive and key with another suite, in deb822 format."""
    # From an archive on this disk apt would fetch nothing, but name the files where they are.
    uris = re.sub(r"(^| )file:", r"\1copy:", source.uris)
    lines = ["Types: deb", f"URIs: {uris}", f"Suites: {suite}", "Components: main"]
    if source.signed_by:
        # A key block keeps its line ends: they are its continuation lines.
        lines.append(f"Signed-By: {source.signed_by}")
    if source.trusted:
        lines.append("Trusted: yes")
    return "\n".join(lines) + "\n"


def _parse_deb822(text: str) -> list[Source]:
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        joined = "\n".join(lines)
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(
                r"^([A-Za-z-]+):[ \t]*((?:.*)(?:\n[ \t]+.*)*)", joined, re.MULTILINE
            )
        }
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0", "without", "off"):
            continue
        found.append(
            Source(
                " ".join(fields.get("uris", "").split()),
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
                fields.get("trusted", "no") == "yes",
            )
        )
    return found


def _parse_lines(text: str) -> list[Source]:
    found = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if match is None:
            continue
        options, uri, suite, components = match.groups()
        signed_by = re.search(r"signed-by=(\S+)", options or "")
        found.append(
            Source(
                uri,
                (suite,),
                tuple(components.split()),
                signed_by.group(1).replace(",", " ") if signed_by else "",
                "trusted=yes" in (options or "").split(),
            )
        )
    return found


def installed_status(packages: Sequence[str]) -> str:
    """What dpkg's status file says when these packages, of any version, are installed."""
    fields = (
        "Status: install ok installed\nArchitecture: amd64\nMulti-Arch: foreign\nVersion: 9999:1\n"
    )
    return "\n".join(f"Package: {name}\n{fields}" for name in packages)


def _private_state(state: Path, source: Source, without: Sequence[str]) -> dict[str, str]:
    """Lay out apt's folders; return the environment that makes apt use nothing else."""
    for part in ("lists/partial", "cache/archives/partial", "sources.list.d"):
        (state / part).mkdir(parents=True)
    # What is installed is not fetched.
    (state / "status").write_text(installed_status(without), encoding="utf-8")
    (state / f"sources.list.d/{SUITE}.sources").write_text(deb822(source, SUITE), encoding="utf-8")
    dump = run(["apt-config", "dump"], echo=False).stdout.splitlines()
    settings = {
        "Dir::State": str(state),
        "Dir::State::lists": str(state / "lists"),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state / "cache"),
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": str(state / "sources.list.d"),
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        # apt's own user could not write into a folder of ours.
        "APT::Sandbox::User": "",
        "APT::Update::Error-Mode": "any",
        "Acquire::Retries": "3",
        "Acquire::Languages": "none",
    }
    kept = [line for line in dump if line.startswith(_KEPT_SETTINGS)]
    own = [f'{name} "{value}";' for name, value in settings.items()]
    (state / "apt.conf").write_text("\n".join(kept + own) + "\n", encoding="utf-8")
    return {
        "APT_CONFIG": str(state / "apt.conf"),
        "LC_ALL": "C",
        "DEBIAN_FRONTEND": "noninteractive",
    }


def _apt(environment: Mapping[str, str], *arguments: str, failure: str) -> None:
    try:
        run(["apt-get", "--quiet", *arguments], env=environment, echo=False, timeout_s=1200)
    except ProcessError as error:
        told = [line for line in error.output.splitlines() if line.startswith("E: ")]
        why = (told[0][3:] if told else str(error)).rstrip(".")
        raise Unavailable(f"{failure} ({why})") from error
