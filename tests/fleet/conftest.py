"""What the fleet's tests share: real git and real Copier, isolated from the user's."""

from __future__ import annotations

from tests.templates.conftest import isolated

__all__ = ["isolated"]
