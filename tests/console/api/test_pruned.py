"""A delivery whose body was pruned, by the API."""

import json

from django.utils import timezone

from receiver.models import Delivery, Status
from tests.console.api.conftest import Programs
from tests.console.kept import kept


def test_the_api_answers_410_for_the_body_and_409_for_a_replay(api: Programs) -> None:
    row = kept(status=Status.DEAD, finished_at=timezone.now())
    Delivery.objects.filter(pk=row.pk).update(body=None)
    assert api.reader.get(f"deliveries/{row.pk}").status == 200
    answer = api.reader.get(f"deliveries/{row.pk}/body")
    assert (answer.status, json.loads(answer.body)["detail"]) == (
        410, "The body was pruned, as KEEP_BODIES says.",
    )  # fmt: skip
    assert api.operator.post(f"deliveries/{row.pk}/replay", {}).status == 409
    [outcome] = json.loads(api.operator.post("deliveries/replay", {"ids": [str(row.pk)]}).body)["outcomes"]
    assert outcome["outcome"] == "pruned"
