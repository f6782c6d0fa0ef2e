"""Draws boxes and arrows as SVG."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_LINE = 19  # pixels between two lines of text
_TITLE = 15


class Kind(enum.Enum):
    """What a box stands for; each has a colour of its own."""

    FRAME = "frame"
    PLAIN = "plain"
    MODEL = "model"
    TVM = "tvm"
    WRONG = "wrong"


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme: text, lines, and fill and edge of each kind of box."""

    text: str
    quiet: str
    boxes: dict[Kind, tuple[str, str]]


LIGHT = Palette(
    text="#1f2933",
    quiet="#52606d",
    boxes={
        Kind.FRAME: ("none", "#9aa5b1"),
        Kind.PLAIN: ("#f5f7fa", "#9aa5b1"),
        Kind.MODEL: ("#e3f2fd", "#1976d2"),
        Kind.TVM: ("#e0f2f1", "#00796b"),
        Kind.WRONG: ("#ffebee", "#c62828"),
    },
)
DARK = Palette(
    text="#e4e7eb",
    quiet="#a7b3c0",
    boxes={
        Kind.FRAME: ("none", "#616e7c"),
        Kind.PLAIN: ("#2a313b", "#616e7c"),
        Kind.MODEL: ("#12304d", "#64b5f6"),
        Kind.TVM: ("#0d3733", "#4db6ac"),
        Kind.WRONG: ("#47191c", "#ef9a9a"),
    },
)


@dataclass(frozen=True)
class Box:
    """A rectangle with a title and lines below it; sizes in pixels.

    A line that begins with a back-quote is a file or a name, and set as code.
    """

    x: int
    y: int
    width: int
    height: int
    title: str
    lines: Sequence[str] = ()
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True)
class Arrow:
    """A straight arrow with words beside its middle."""

    x1: int
    y1: int
    x2: int
    y2: int
    words: str = ""


@dataclass(frozen=True)
class Picture:
    """A diagram: its size in pixels, what it shows in words, and what is on it, from behind."""

    width: int
    height: int
    title: str
    parts: Sequence[Box | Arrow]


def draw(picture: Picture, palette: Palette) -> str:
    """The text of an SVG file."""
    size = f'viewBox="0 0 {picture.width} {picture.height}" width="{picture.width}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_SANS}">',
        f"  <title>{escape(picture.title)}</title>",
        '  <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto-start-reverse">',
        f'    <path d="M0 0 8 4 0 8z" fill="{palette.quiet}"/>',
        "  </marker>",
    ]
    for part in picture.parts:
        lines += _box(part, palette) if isinstance(part, Box) else _arrow(part, palette)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(box: Box, palette: Palette) -> list[str]:
    fill, edge = palette.boxes[box.kind]
    dash = ' stroke-dasharray="5 4"' if box.kind is Kind.FRAME else ""
    drawn = [
        f'  <rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"'
        f' fill="{fill}" stroke="{edge}" stroke-width="1.5"{dash}/>'
    ]
    left, top = box.x + 14, box.y + 24
    drawn.append(_text(left, top, box.title, palette.text, _TITLE, weight="600"))
    for number, line in enumerate(box.lines, start=1):
        drawn.append(_text(left, top + number * _LINE + 2, line, palette.quiet, 13))
    return drawn


def _arrow(arrow: Arrow, palette: Palette) -> list[str]:
    drawn = [
        f'  <line x1="{arrow.x1}" y1="{arrow.y1}" x2="{arrow.x2}" y2="{arrow.y2}"'
        f' stroke="{palette.quiet}" stroke-width="1.5" marker-end="url(#tip)"/>'
    ]
    if arrow.words:
        x, y = (arrow.x1 + arrow.x2) // 2, (arrow.y1 + arrow.y2) // 2
        beside = (x + 9, y + 5) if arrow.x1 == arrow.x2 else (x - 20, y - 8)
        drawn.append(_text(*beside, arrow.words, palette.quiet, 13))
    return drawn


def _text(x: int, y: int, text: str, colour: str, size: int, *, weight: str = "") -> str:
    is_code = text.startswith("`")
    family = f' font-family="{_MONO}"' if is_code else ""
    bold = f' font-weight="{weight}"' if weight else ""
    shown = escape(text.removeprefix("`"))
    at = f'x="{x}" y="{y}" font-size="{size - 1 if is_code else size}"'
    return f'  <text {at} fill="{colour}"{family}{bold}>{shown}</text>'
