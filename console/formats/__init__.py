"""Formats of Django's admin, for `FORMAT_MODULE_PATH`."""
