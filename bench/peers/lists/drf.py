"""The same in Django REST framework."""

from rest_framework import generics, pagination, serializers

from api.deliveries import DeliveryDetail, DeliveryItem
from receiver.models import Delivery


class ItemSerializer(serializers.ModelSerializer):
    """A delivery of the list."""

    class Meta:
        model = Delivery
        fields = tuple(DeliveryItem.model_fields)


class DetailSerializer(serializers.ModelSerializer):
    """One delivery."""

    class Meta:
        model = Delivery
        fields = tuple(DeliveryDetail.model_fields)


class Newest(pagination.CursorPagination):
    """Keyset pages, as DRF has them."""

    # The order of the key, which has an index of its own; the time of receipt has none over all deliveries.
    ordering = "-id"
    page_size = 50


class Deliveries(generics.ListAPIView):
    """The newest 50."""

    queryset = Delivery.objects.only(*DeliveryItem.model_fields)
    serializer_class = ItemSerializer
    pagination_class = Newest


class OneDelivery(generics.RetrieveAPIView):
    """One delivery."""

    queryset = Delivery.objects.defer("body")
    serializer_class = DetailSerializer
