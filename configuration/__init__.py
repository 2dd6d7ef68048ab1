"""Readers of single settings, used by `settings.py` alone and by what checks a value of its own."""
