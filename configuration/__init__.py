"""Readers and checks of single settings, used by `settings.py`."""
