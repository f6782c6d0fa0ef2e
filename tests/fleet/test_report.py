"""What a run did, as people and programs read it: grouped, escaped, complete."""

from __future__ import annotations

import html.parser
import json
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.templates.conftest import REPOSITORY
from tvmplug.fleet.ledger import Attempt, Ledger, Run, State
from tvmplug.fleet.records import Change, Outcome, Reason, Result
from tvmplug.fleet.report import build_report, read_tail
from tvmplug.fleet.report_html import to_html
from tvmplug.fleet.report_json import to_json
from tvmplug.fleet.report_markdown import to_markdown
from tvmplug.fleet.report_parts import (
    changed_files,
    flat,
    groups,
    notices,
    phase_times,
    versions,
)
from tvmplug.fleet.wording import printable
from tvmplug.process import run

HOSTILE = (
    "<script>alert(1)</script>",
    "</pre></details><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }} {% raw %}",
    "[click](javascript:alert(1)) ![x](http://example.com/x.png) <http://example.com>",
    "```\n# heading\n~~~",
    "| a | b |\n|---|---|",
    "`code` *bold* _it_ @everyone #12 \\ &amp; $x$",
    "\x1b[2J\u202eevil\x00",
    "\udcff not UTF-8",
)
hostile = st.sampled_from(HOSTILE) | st.text(st.characters(), min_size=1, max_size=30)


def change(path, added=1, removed=0, status="M"):
    return Change(status=status, path=path, added=added, removed=removed)


def outcome(name, result=Result.UPDATED, **what):
    what.setdefault("from_version", "v0.1.0")
    what.setdefault("to_version", "v0.2.0")
    return Outcome(attempt=1, name=name, result=result, **what)


def failed(name, reason=Reason.CONFLICT, message="pubspec.yaml conflicts", **what):
    return outcome(name, Result.FAILED, reason=reason, message=message, **what)


def a_run(folder, outcomes, *, finish=True, options=None):
    """Write a run into a real ledger; a name alone is an attempt that is only queued."""
    with Ledger(folder / "ledger.sqlite3") as ledger, ledger.together():
        run = ledger.begin_run(options or {}, {"gh:acme/template": "ab" * 20})
        for each in outcomes:
            name = each if isinstance(each, str) else each.name
            attempt = ledger.queue(run, name, repository=folder, scratch=folder, branch="update")
            if isinstance(each, Outcome):
                ledger.running(attempt)
                ledger.done(attempt, each)
        if finish:
            ledger.finish_run(run)
    return run


@pytest.fixture
def report_of(tmp_path):
    def make(outcomes, *, logs=None, tails=None, **what):
        number = a_run(tmp_path, outcomes, **what)
        with Ledger(tmp_path / "ledger.sqlite3") as ledger:
            run = ledger.run(number)
            return build_report(run, ledger.attempts(number), logs=logs, tails=tails)

    return make


def test_the_last_attempt_at_a_repository_is_the_one_that_counts(report_of):
    report = report_of([failed("g2p_flutter"), outcome("vad_flutter"), outcome("g2p_flutter")])
    assert report.counts == {"updated": 2}
    assert [(entry.name, entry.attempts) for entry in report.repositories] == [
        ("g2p_flutter", 2),
        ("vad_flutter", 1),
    ]


def test_a_run_that_goes_on_tells_what_waits(report_of):
    report = report_of([outcome("g2p_flutter"), "vad_flutter"], finish=False)
    assert report.counts == {"updated": 1, "queued": 1}
    assert "`tvmplug fleet resume`" in to_markdown(report)
    assert "<code>tvmplug fleet resume</code>" in to_html(report)
    assert to_json(report)["is_done"] is False


def test_what_was_not_updated_is_grouped_by_reason_the_most_frequent_first(report_of):
    report = report_of(
        [
            failed("a", Reason.BUILD, "cargo failed", mend="See its log", details=("error: x",)),
            failed("b", mend="Resolve it"),
            failed("c", mend="Resolve it"),
            failed("d", message="another file conflicts", mend="Resolve it"),
            outcome("e", Result.INTERRUPTED, message="the run was killed"),
            outcome("f"),
            outcome("g", Result.UNCHANGED),
        ]
    )
    found = groups(report)
    assert [(group.title, group.names) for group in found] == [
        ("conflict", ["b", "c", "d"]),
        ("build", ["a"]),
        ("interrupted", ["e"]),
    ]
    # What is the same for all is said once.
    assert found[0].mend == "Resolve it"
    assert [(case.message, case.mend) for case in found[0].cases] == [
        ("pubspec.yaml conflicts", None),
        ("another file conflicts", None),
    ]


def test_different_mends_of_one_reason_stay_with_their_repositories(report_of):
    report = report_of([failed("a", mend="Do this"), failed("b", mend="Do that")])
    (group,) = groups(report)
    assert group.mend is None
    assert [case.mend for case in group.cases] == ["Do this", "Do that"]


def test_files_are_counted_over_all_updates_with_names_of_plugins_taken_out(report_of):
    report = report_of(
        [
            outcome(name, changes=(change("pubspec.yaml", 2, 1), change(f"darwin/{name}.podspec")))
            for name in ("g2p_flutter", "vad_flutter")
        ]
        + [outcome("x", changes=(change("logo.png", None, None), change("x2/x", 1, 1)))]
        + [failed("failing", changes=(change("pubspec.yaml", 100, 100),))]
    )
    assert [
        (file.path, file.repositories, file.added, file.removed) for file in changed_files(report)
    ] == [
        ("darwin/{name}.podspec", 2, 2, 0),
        ("pubspec.yaml", 2, 4, 2),
        ("logo.png", 1, None, None),
        ("x2/{name}", 1, 1, 1),
    ]


def test_notices_versions_and_times_are_put_together(report_of):
    report = report_of(
        [
            outcome("a", notices=("dart is missing",), seconds={"render": 1.0, "commit": 0.5}),
            outcome("b", notices=("dart is missing", "kept x"), seconds={"render": 3.0}),
            outcome("c", from_version="v0.0.9"),
        ]
    )
    assert notices(report) == [("dart is missing", ("a", "b")), ("kept x", ("b",))]
    assert versions(report) == [("v0.1.0", "v0.2.0", 2), ("v0.0.9", "v0.2.0", 1)]
    assert [
        (phase.name, phase.median, phase.longest, phase.total) for phase in phase_times(report)
    ] == [("render", 2.0, 3.0, 4.0), ("commit", 0.5, 0.5, 0.5)]


def test_options_that_were_not_given_are_not_told():
    told = flat({"only": ["g2p*"], "groups": [], "limit": None, "dirty": False, "trust": True})
    assert told == [("only", "g2p*"), ("trust", "yes")]


def test_commits_are_told_as_long_as_people_read_them():
    assert flat({"gh:acme/template": "ab" * 20}) == [("gh:acme/template", "abababababab")]


def test_the_end_of_a_long_log_is_read_without_control_characters(tmp_path):
    log = tmp_path / "g2p_flutter.log"
    log.write_bytes(b"x" * 100_000 + b"\n" + b"line\n" * 60 + b"\t\x1b[31m^ here\xff\n")
    tail = read_tail(log)
    assert len(tail) == 40
    assert tail[0] == "line"
    assert tail[-1] == "     [31m^ here\ufffd"
    assert read_tail(tmp_path / "none.log") == ()


def test_json_holds_everything_and_is_json(report_of):
    report = report_of(
        [
            failed("a", details=("UU pubspec.yaml",), seconds={"render": 0.5}),
            outcome("b", changes=(change("pubspec.yaml", 2, 1),), commit="c" * 40),
            "c",
        ],
        finish=False,
        logs={"a": Path("a.log")},
        tails={"a": ["refused"]},
        options={"jobs": 2},
    )
    told = json.loads(json.dumps(to_json(report)))
    assert told["counts"] == {"updated": 1, "failed": 1, "queued": 1}
    assert told["reasons"] == {"conflict": ["a"]}
    assert told["options"] == {"jobs": 2}
    first, second, third = told["repositories"]
    assert (first["state"], first["log"], first["log_tail"]) == ("failed", "a.log", ["refused"])
    assert first["details"] == ["UU pubspec.yaml"]
    assert second["changes"] == [{"status": "M", "path": "pubspec.yaml", "added": 2, "removed": 1}]
    assert third == {"name": "c", "state": "queued", "attempts": 1, "log": None, "log_tail": []}


class Page(html.parser.HTMLParser):
    """Reads a page as a browser does: its tags with their attributes, and its text."""

    # What may be left open: the end of these follows from what comes next.
    OPEN = frozenset({"meta", "tr", "td", "th", "dt", "dd", "li", "thead", "tbody"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.said, self.waiting = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, sorted(name for name, _ in attrs)))
        if tag not in self.OPEN:
            self.waiting.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.OPEN:
            assert self.waiting.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def everything(text):
    """A run in which this text stands wherever a program, a template or a person put one."""
    return [
        failed(text, message=text, mend=text, details=(text,), seconds={text: 1.0}),
        outcome(
            f"{text}2",
            changes=(change(text), change("logo.png", None, None)),
            notices=(text,),
            branch=text,
            commit=text,
            from_version=text,
            to_version=text,
            seconds={text: 2.0},
        ),
    ]


def report_with(text):
    outcomes = everything(text)
    names = [each.name for each in outcomes]
    run = Run(id=1, is_done=True, started=0.0, options={"only": [text]}, targets={text: text})
    attempts = [
        Attempt(
            id=number,
            run=1,
            name=each.name,
            number=1,
            state=State.DONE,
            queued=0.0,
            repository=Path("r"),
            scratch=Path("s"),
            branch="b",
            branch_tip=None,
            base=None,
            outcome=each,
        )
        for number, each in enumerate(outcomes)
    ]
    logs = {name: Path(f"x{text}x") for name in names}
    return build_report(run, attempts, logs=logs, tails={names[0]: [text]})


PLAIN_TAGS = sorted(Page(to_html(report_with("word"))).tags)


@given(hostile)
@settings(deadline=None)
def test_no_text_changes_the_structure_of_the_page(text):
    page = Page(to_html(report_with(text)))
    # Files are sorted by their paths, so the order of rows is the text's.
    assert sorted(page.tags) == PLAIN_TAGS
    assert page.waiting == []
    assert printable(text) in "".join(page.said)


def test_the_page_needs_nothing_and_may_load_nothing(report_of):
    text = to_html(report_of([outcome("a", changes=(change("pubspec.yaml"),)), failed("b")]))
    page = Page(text)
    attributes = {name for _, names in page.tags for name in names}
    assert not attributes & {"src", "href", "srcset", "action", "data"}
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'; style-src 'unsafe-inline'" in text


def test_the_page_shows_light_dark_and_print(report_of):
    text = to_html(report_of([outcome("a")]))
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


@given(hostile)
@settings(deadline=None)
def test_no_text_is_taken_for_markdown(text):
    def shape(said):
        tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(report_with(said)))
        parts = [part for token in tokens for part in (token.children or [token])]
        # Where text ends and an escaped character begins is no difference to a reader.
        return [part.type for part in parts if part.type not in ("text", "text_special")]

    # A path that holds nothing printable leaves its code span out.
    if printable(text):
        assert shape(text) == shape("word")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_text_as_it_is(text):
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(report_with(text)))
    said = "".join(
        part.content for token in tokens for part in (token.children or [token]) if part.content
    )
    assert printable(text) in said


def test_an_empty_run_is_told_too(report_of):
    report = report_of([])
    assert "no repository" in to_markdown(report)
    assert "<b>0</b>repositories" in to_html(report)


@pytest.mark.slow
def test_the_wheel_holds_the_page(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    run([*build, "--directory", tmp_path], cwd=REPOSITORY, echo=False)
    (wheel,) = tmp_path.glob("*.whl")
    assert "tvmplug/fleet/report.html.jinja" in zipfile.ZipFile(wheel).namelist()
