"""The generated crates by Rust's own measures: tests, lints, format, documentation."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

LINTS = ["clippy", "--all-targets", "--all-features", "--", "-D", "warnings"]


def test_the_runtime_crates_own_tests_pass(workshop: Any) -> None:
    done = workshop.cargo(workshop.runtime, "test", "--all-features").succeeded()
    results = [line for line in done.stdout.splitlines() if line.startswith("test result:")]
    assert len(results) >= 3, "unit tests, documentation, and what must not compile"
    assert all(" 0 ignored;" in line for line in results)


def test_the_runtime_crate_has_no_lints(workshop: Any) -> None:
    workshop.cargo(workshop.runtime, *LINTS).succeeded()


def test_a_model_crate_has_no_lints(workshop: Any, starter: Any) -> None:
    workshop.build(starter)
    workshop.cargo(workshop.crate(starter), *LINTS, plugin=starter).succeeded()


def test_the_model_of_the_tests_has_no_lints(workshop: Any, probe: Any) -> None:
    workshop.build(probe)
    workshop.cargo(workshop.crate(probe), *LINTS, plugin=probe).succeeded()


def test_both_crates_are_formatted(workshop: Any, starter: Any) -> None:
    workshop.build(starter)
    for crate in (workshop.runtime, workshop.crate(starter)):
        workshop.cargo(crate, "fmt", "--check").succeeded()


def test_long_names_do_not_break_the_format(workshop: Any, plugin_of: Any) -> None:
    plugin = plugin_of(
        "a_plugin_with_quite_a_long_name_flutter", "a_plugin_with_quite_a_long_name_"
    )
    crate = workshop.crate(plugin)
    workshop.render_model(plugin, crate, ["a_component_whose_name_is_even_longer_than_that"])
    workshop.cargo(crate, "fmt", "--check").succeeded()


def test_the_documentation_builds_without_warnings(workshop: Any) -> None:
    workshop.cargo(workshop.runtime, "doc", "--no-deps", "--all-features").succeeded()
