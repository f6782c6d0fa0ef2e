"""Installing packages beside the machine's: real apt and dpkg-deb, from an archive made here."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import apt
from tools.apt import Source, Unavailable, deb822, debian_source, read_sources
from tools.install import RECORD, Wanted, find_or_install, key

REPOSITORY = Path(__file__).parents[2]
DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
WANTED = Wanted(name="little", title="a little root", packages=("tvmplug-little",))
needs_apt = pytest.mark.skipif(
    not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="skipped: no apt"
)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian archive with a package and what it depends on, known to apt as this machine's."""
    folder = tmp_path / "archive" / "debian"
    index = folder / "dists" / apt.SUITE / "main" / "binary-amd64"
    index.mkdir(parents=True)
    entries = [
        _package(folder, "tvmplug-little", "1.5-2", "Depends: tvmplug-little-data\n"),
        _package(folder, "tvmplug-little-data", "7"),
    ]
    (index / "Packages").write_text("\n".join(entries))
    listed = (index / "Packages").read_bytes()
    (folder / "dists" / apt.SUITE / "Release").write_text(
        f"Suite: {apt.SUITE}\nCodename: {apt.SUITE}\nComponents: main\nArchitectures: amd64\n"
        f"SHA256:\n {hashlib.sha256(listed).hexdigest()} {len(listed)} "
        "main/binary-amd64/Packages\n"
    )
    sources = tmp_path / "etc"
    sources.mkdir()
    (sources / "sources.list").write_text(f"deb [trusted=yes] file:{folder} bookworm main\n")
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    monkeypatch.setattr(apt, "SOURCES", sources)
    monkeypatch.setattr(apt, "OS_RELEASE", tmp_path / "os-release")
    return folder


def _package(archive: Path, name: str, version: str, fields: str = "") -> str:
    tree = archive / "build" / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "lib").mkdir()
    (tree / "lib" / name).write_text(f"{name} {version}\n")
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@e.org>\n"
    control += f"Description: for a test\n{fields}"
    (tree / "DEBIAN" / "control").write_text(control)
    deb = archive / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", tree, deb], check=True, capture_output=True)
    content = deb.read_bytes()
    sums = f"Size: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    return f"{control}Filename: {deb.name}\n{sums}"


@needs_apt
def test_packages_come_with_what_they_depend_on_and_their_versions(
    archive: Path, tmp_path: Path
) -> None:
    root = find_or_install(WANTED, tmp_path / "roots")
    assert root.versions == {"tvmplug-little": "1.5-2", "tvmplug-little-data": "7"}
    # Through the link that a merged /usr has.
    assert (root.path / "usr/lib/tvmplug-little").read_text() == "tvmplug-little 1.5-2\n"
    assert (root.path / "lib").is_symlink()


@needs_apt
def test_packages_and_files_can_be_left_out(archive: Path, tmp_path: Path) -> None:
    wanted = Wanted(
        name="little", title="a little root", packages=WANTED.packages,
        without=("tvmplug-little-data",), exclude=("./lib/tvmplug-*",),
    )  # fmt: skip
    root = find_or_install(wanted, tmp_path / "roots")
    assert root.versions == {"tvmplug-little": "1.5-2"}
    assert list((root.path / "usr/lib").iterdir()) == []


@needs_apt
def test_what_is_installed_is_found_again_without_a_network(archive: Path, tmp_path: Path) -> None:
    first = find_or_install(WANTED, tmp_path / "roots")
    shutil.rmtree(archive)
    assert find_or_install(WANTED, tmp_path / "roots") == first


@needs_apt
def test_a_moved_root_is_made_anew(archive: Path, tmp_path: Path) -> None:
    first = find_or_install(WANTED, tmp_path / "roots")
    (tmp_path / "roots").rename(tmp_path / "moved")
    second = find_or_install(WANTED, tmp_path / "moved")
    assert second.path.name == first.path.name
    assert str(second.path) in (second.path / RECORD).read_text()


@needs_apt
def test_a_package_that_is_not_there_is_the_reason(archive: Path, tmp_path: Path) -> None:
    wanted = Wanted(name="none", title="none", packages=("tvmplug-none",), what="tool of that kind")
    with pytest.raises(Unavailable, match="Unable to locate package tvmplug-none") as raised:
        find_or_install(wanted, tmp_path / "roots")
    assert str(raised.value).startswith("no tool of that kind: ")
    assert [path.name for path in (tmp_path / "roots").iterdir() if path.is_dir()] == []


@needs_apt
def test_a_program_that_the_packages_lack_is_the_reason(archive: Path, tmp_path: Path) -> None:
    wanted = Wanted(
        name="little", title="a little root", packages=WANTED.packages, programs=("usr/bin/run*",)
    )
    with pytest.raises(Unavailable, match=r"the packages have no usr/bin/run\*"):
        find_or_install(wanted, tmp_path / "roots")
    assert [path for path in (tmp_path / "roots").iterdir() if path.is_dir()] == []


@needs_apt
def test_an_unreachable_archive_is_the_reason(archive: Path, tmp_path: Path) -> None:
    shutil.rmtree(archive)
    with pytest.raises(Unavailable, match=f"cannot read the package lists of {apt.SUITE}"):
        find_or_install(WANTED, tmp_path / "roots")


@needs_apt
def test_a_killed_install_leaves_nothing_half(archive: Path, tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    program = (
        "import pathlib, sys\n"
        "from tools import apt, install\n"
        "apt.SOURCES, apt.OS_RELEASE, places = map(pathlib.Path, sys.argv[1:])\n"
        f"install.find_or_install(install.{WANTED!r}, places)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, apt.SOURCES, apt.OS_RELEASE, roots],
        cwd=REPOSITORY,
        start_new_session=True,
    ) as child:
        deadline = time.monotonic() + 30
        while not list(roots.glob(".little-*.making.*")):
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert not (roots / f"little-{key(WANTED)}").exists()
    root = find_or_install(WANTED, roots)
    assert [path for path in roots.iterdir() if path.is_dir()] == [root.path]


def test_what_decides_a_root_decides_its_name() -> None:
    others = [
        Wanted(name="little", title="a little root", packages=("tvmplug-little", "more")),
        Wanted(name="little", title="a little root", packages=WANTED.packages, programs=("a",)),
        Wanted(name="little", title="a little root", packages=WANTED.packages, finish=(("a",),)),
        Wanted(name="little", title="a little root", packages=WANTED.packages, without=("a",)),
        Wanted(name="little", title="a little root", packages=WANTED.packages, exclude=("a",)),
    ]
    assert key(WANTED) == key(Wanted(name="x", title="y", packages=WANTED.packages))
    assert len({key(WANTED), *map(key, others)}) == 6


def test_sources_of_both_formats_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(
        "# deb file:/commented bookworm main\n"
        "deb-src file:/sources bookworm main\n"
        "deb [arch=amd64 signed-by=/a.gpg,/b.gpg] file:/one bookworm main contrib # why\n"
    )
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/b.sources").write_text(
        "Types: deb deb-src\n# a comment\nURIs: file:/two\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By:\n -----BEGIN PGP-----\n .\n key\n\n"
        "Types: deb\nURIs: file:/off\nSuites: bookworm\nComponents: main\nEnabled: no\n"
    )
    (tmp_path / "sources.list.d/c.save").write_text("deb file:/ignored bookworm main\n")
    assert read_sources(tmp_path) == [
        Source("file:/one", ("bookworm",), ("main", "contrib"), "/a.gpg /b.gpg"),
        Source(
            "file:/two", ("bookworm", "bookworm-updates"), ("main",),
            "-----BEGIN PGP-----\n .\n key",
        ),
    ]  # fmt: skip


def test_the_source_of_debian_itself_gets_another_suite() -> None:
    vendor = Source("file:/vendor", ("bookworm",), ("main",))
    security = Source("file:/debian-security", ("bookworm-security",), ("main",))
    debian = Source(
        "mirror+file:/mirror/debian/", ("bookworm", "bookworm-updates"), ("main",), "/k.gpg"
    )
    chosen = debian_source([vendor, security, debian], DEBIAN)
    assert chosen == debian
    assert deb822(chosen, "sid") == (
        "Types: deb\nURIs: mirror+file:/mirror/debian/\nSuites: sid\nComponents: main\n"
        "Signed-By: /k.gpg\n"
    )


@pytest.mark.parametrize(
    ("sources", "system", "reason"),
    [
        ([], DEBIAN, "apt has no source of Debian's main archive"),
        ([Source("file:/x", ("jammy",), ("main",))], DEBIAN, "apt has no source"),
        ([], {"ID": "fedora", "PRETTY_NAME": "Fedora 41"}, "this machine runs Fedora 41"),
        ([], {}, "this machine runs an unknown system"),
    ],
)
def test_a_machine_without_debians_archive_is_told_why(
    sources: list[Source], system: dict[str, str], reason: str
) -> None:
    with pytest.raises(Unavailable, match="no packages of Debian") as raised:
        debian_source(sources, system)
    assert reason in raised.value.reason


def test_an_archive_on_this_disk_is_copied_from() -> None:
    assert "URIs: copy:/debian\n" in deb822(Source("file:/debian", ("sid",), ("main",)), "sid")


def test_a_machine_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no apt-get on this machine"):
        apt.download(["dart-sdk"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_tests_are_skipped_with_the_reason_and_never_on_ci(
    tmp_path: Path, required: str, outcome: str
) -> None:
    # Copier, which a plugin of pytest imports, looks for git.
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
         f"--basetemp={tmp_path / 'base'}",
         "tests/dart/test_flutter_test.py::test_a_project_without_tests_is_an_error"],
        cwd=REPOSITORY, check=False, capture_output=True, text=True,
        env={"PATH": str(tmp_path), "TVMPLUG_TOOLCHAIN_DIR": str(tmp_path / "roots"),
             "TVMPLUG_REQUIRE_DART": required, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert outcome in done.stdout, done.stderr
    assert "no Dart toolchain: no apt-get on this machine" in done.stdout
    assert (done.returncode == 0) == (required == "")
