"""The API's URLs. `api.direct` calls their views, which need a token and no session."""

from django.urls import path

from api.application import api

urlpatterns = [path("api/v1/", api.urls)]
