"""The parts of `docs/reference/` and `.env.example` that are generated from the code.

`python -m dev.reference` writes them; a test fails where a committed text differs. Text that explains stays
in the pages by hand, outside of the markers.
"""
