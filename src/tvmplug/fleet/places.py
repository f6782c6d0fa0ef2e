"""Where a fleet keeps its state: `.fleet/` beside fleet.yaml, never committed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvmplug import files


@dataclass(frozen=True)
class Places:
    """The folders and files of one fleet's state.

    Attributes:
        root: The `.fleet/` folder.
    """

    root: Path

    @classmethod
    def beside(cls, fleet_file: Path) -> Places:
        """Return the places that belong to a fleet.yaml; makes the folder.

        Raises:
            FileError: The folder cannot be written.
        """
        root = fleet_file.absolute().parent / ".fleet"
        ignore = root / ".gitignore"
        if not ignore.exists():
            files.write_text(ignore, "*\n")
        return cls(root)

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.root / "ledger.sqlite3"

    @property
    def clones(self) -> Path:
        """The clones of repositories that are named by address."""
        return self.root / "clones"

    @property
    def templates(self) -> Path:
        """The mirrors of templates, and a checkout of each version in use."""
        return self.root / "templates"

    def work(self, run: int) -> Path:
        """Where the worktrees of a run are; nothing in it outlives the run."""
        return self.root / "work" / str(run)

    def log(self, run: int, name: str) -> Path:
        """The log of one repository in one run."""
        return self.root / "logs" / str(run) / f"{name}.log"

    @property
    def lock(self) -> Path:
        """The lock that a run holds from its first write to its last."""
        return self.root / "lock"
