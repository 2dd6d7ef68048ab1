"""django-github-app, installed as in its documentation.

No handler is registered for push: with a handler, its view sleeps for a second in every request, so 32
connections get at most 32 answers per second. In this faster case it verifies the event and logs it to its
table, with its default settings.
"""
