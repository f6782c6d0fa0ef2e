"""The diagrams of the documentation, as tables of boxes and arrows: `python -m tools.diagrams`.

Each is drawn twice, for light and for dark pages, as SVG that asks nothing of a reader's machine.
tests/docs/test_diagrams.py compares the files with the tables.
"""
