"""The URL of its view."""

from django.urls import path
from django_github_app.views import AsyncWebhookView

urlpatterns = [path("", AsyncWebhookView.as_view())]
