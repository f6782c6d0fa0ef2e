"""Adoption of an existing plugin: `tvmplug adopt` moves one that bundles its own TVM to the family.

Looking (`survey`), finding (`find`), deciding (`plan`) and doing (`apply`) are apart: only the
first and the last touch files, and what is printed is what would be written.
"""
