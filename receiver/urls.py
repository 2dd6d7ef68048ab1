"""The endpoints, each with and without a trailing slash: a redirect would lose the POST."""

from django.urls import re_path

from receiver import views

handler404 = views.not_found
urlpatterns = [
    re_path(r"^$", views.root),
    re_path(r"^webhooks/github/?$", views.github),
    re_path(r"^webhooks/github/(?P<source>[A-Za-z0-9][A-Za-z0-9_-]{0,63})/?$", views.github),
    re_path(r"^healthz/?$", views.healthz),
    re_path(r"^readyz/?$", views.readyz),
]
