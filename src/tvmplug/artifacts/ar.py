"""`ar` archives with a symbol index: written byte for byte alike on every host, and read strictly.

Two dialects, as the linkers want them: GNU (`/` index, `//` long names; ELF and COFF, see the
"Archive (Library) File Format" of Microsoft's PE specification and binutils' ar.h) and BSD as on
Darwin (`__.SYMDEF` index, `#1/N` names, members aligned to 8 bytes; ranlib(5), llvm's
ArchiveWriter.cpp).
"""

from __future__ import annotations

from tvmplug.artifacts._ar_reader import members_of, read_archive
from tvmplug.artifacts._ar_writer import write_archive
from tvmplug.artifacts._archive import Archive, Dialect, Member

__all__ = ["Archive", "Dialect", "Member", "members_of", "read_archive", "write_archive"]
