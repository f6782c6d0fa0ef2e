"""Compiled models against the runtimes that an app's author would pick otherwise."""
