"""The tools that these tests are about, installed when they are not there yet."""

from __future__ import annotations

import pytest

from tests.tools.needed import needed
from tools.cross import Cross, find_or_install_cross
from tools.kotlin import Kotlin, find_or_install_kotlin
from tools.ruby import Ruby, find_or_install_ruby
from tools.rust import Rust, find_or_install_rust
from tools.swift import Swift, find_or_install_swift


@pytest.fixture(scope="session")
def cross() -> Cross:
    return needed(find_or_install_cross)


@pytest.fixture(scope="session")
def rust() -> Rust:
    return needed(find_or_install_rust)


@pytest.fixture(scope="session")
def ruby() -> Ruby:
    return needed(find_or_install_ruby)


@pytest.fixture(scope="session")
def kotlin() -> Kotlin:
    return needed(find_or_install_kotlin)


@pytest.fixture(scope="session")
def swift() -> Swift:
    return needed(find_or_install_swift)
