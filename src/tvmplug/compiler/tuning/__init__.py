"""Measures which tiles are the fastest on a processor: `tvmplug tune`, inside the compile env.

Started as `python -m tvmplug.compiler.tuning`. Compiling a plugin needs `winners` of it alone.
"""
