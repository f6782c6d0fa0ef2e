"""Compiles a model plugin's components for one target, inside the pinned compile environment.

Started as `python -m tvmplug.compiler`. Only `freshness` is meant for other processes: it decides
without TVM whether there is anything to compile.
"""
