"""The API's URLs. Its views need a token and no session, so they are open to the console's middleware."""

from django.urls import path

from api.application import api

_patterns, _app_name, _namespace = api.urls
for _pattern in _patterns:
    _pattern.callback.login_required = False  # type: ignore[union-attr] # all of them have a view

urlpatterns = [path("api/v1/", (_patterns, _app_name, _namespace))]
