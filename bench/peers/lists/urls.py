"""Both peers under one server, each under its name."""

from django.urls import path

from bench.peers.lists import drf, plain

urlpatterns = [
    path("plain/deliveries", plain.deliveries),
    path("plain/deliveries/<int:pk>", plain.delivery),
    path("drf/deliveries", drf.Deliveries.as_view()),
    path("drf/deliveries/<int:pk>", drf.OneDelivery.as_view()),
]
