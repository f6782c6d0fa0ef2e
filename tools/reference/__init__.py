"""Pages of the documentation that say what the code says: made from it, never typed.

`python -m tools.reference` (`make reference`) writes them; tests/docs/test_reference.py compares.
"""
