"""django-github-app, as its documentation installs it.

No handler is registered for push: where one is, its view sleeps a second in every request before it calls
it, and 32 connections get no more than 32 answers a second. So this is its faster case: the event is
verified and logged to its table, with its default settings.
"""
