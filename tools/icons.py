"""Flutter's icon font, from the Material icons that Debian packages.

Flutter numbers the icons in its own way, so the font is numbered anew after the names in its
`icons.dart`. Debian has the filled shapes only: they stand in for the outlined, round and sharp
ones too. An app built by Flutter itself gets Flutter's own font.
"""

from __future__ import annotations

import re
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

_FONT = "usr/share/fonts/truetype/material-design-icons-iconfont/MaterialIcons-Regular.ttf"
_NAMES = "usr/share/fonts-material-design-icons-iconfont/scss/_variables.scss"
_ICONS = "flutter/lib/src/material/icons.dart"


def make_icon_font(desktop: Path, packages: Path, font: Path) -> None:
    """Write the font that `Icons` of Flutter's material library asks for.

    Args:
        desktop: The root with Debian's font.
        packages: The folder of Flutter's packages.
        font: The file to write.
    """
    wanted = flutter_codes((packages / _ICONS).read_text(encoding="utf-8"))
    names = debian_codes((desktop / _NAMES).read_text(encoding="utf-8"))
    with TTFont(desktop / _FONT) as made:
        glyphs = made.getBestCmap()
        table = CmapSubtable.newSubtable(12)
        table.platformID, table.platEncID, table.language = 3, 10, 0
        table.cmap = {
            code: glyphs[names[name]] for code, name in wanted.items() if names.get(name) in glyphs
        }
        made["cmap"].tables = [table]
        made.save(font)


def flutter_codes(source: str) -> dict[int, str]:
    """The name of each icon by the number that Flutter gives it, from the text of icons.dart."""
    found = re.findall(
        r'material icon named "([^"]+)"[^\n]*\n(?:  ///[^\n]*\n|  @[^\n]*\n)*'
        r"  static const IconData \w+ = IconData\(\s*0x([0-9a-f]+)",
        source,
    )
    return {int(code, 16): name.replace(" ", "_") for name, code in found}


def debian_codes(source: str) -> dict[str, int]:
    """The number of each icon's glyph by its name, from the text of the font's SCSS table."""
    return {name: int(code, 16) for name, code in re.findall(r'"(\w+)": ([0-9a-f]+)', source)}
