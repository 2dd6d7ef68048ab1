"""The fake's answers are as GitHub publishes them."""

import json
import urllib.request
from typing import Any

import pytest
from githubkit_schemas.latest import models

from tests import fake_github, github
from tests.fake_github import Attempt, Github, hooks

PUSH = (github.PAYLOADS / "push__branch.json").read_bytes()


def ask(fake: Github, path: str, method: str = "GET", authorization: str = "") -> Any:
    header = authorization or f"token {fake_github.TOKEN}"
    request = urllib.request.Request(fake.url + path, headers={"Authorization": header}, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


@pytest.mark.parametrize("kind", ["repository", "organization"])
def test_hooks_and_their_deliveries_have_the_published_shape(fake: Github, kind: str) -> None:
    hook = fake.hook(kind=kind, owner="octo/cat" if kind == "repository" else "octo")
    hook.attempts = [Attempt(hooks.guid(1), "push", PUSH, fake.moment())]
    model = models.Hook if kind == "repository" else models.OrgHook
    [found] = ask(fake, hook.path.rpartition("/")[0])
    model.model_validate(found)
    [listed] = ask(fake, f"{hook.path}/deliveries")
    read = models.HookDeliveryItem.model_validate(listed)
    assert read.repository_id == json.loads(PUSH)["repository"]["id"]
    detail = models.HookDelivery.model_validate(ask(fake, f"{hook.path}/deliveries/{read.id}"))
    assert detail.request.payload is not None
    assert ask(fake, f"{hook.path}/deliveries/{read.id}/attempts", "POST") == {}


def test_the_tokens_of_an_app_have_the_published_shape(fake: Github) -> None:
    from gidgethub.apps import get_jwt  # noqa: PLC0415 - used here only

    bearer = get_jwt(app_id=fake_github.APP_ID, private_key=fake_github.private_key())
    token = ask(fake, "/app/installations/99/access_tokens", "POST", f"Bearer {bearer}")
    models.InstallationToken.model_validate(token)


def test_github_forgets_what_is_older_than_three_days(fake: Github) -> None:
    hook = fake.hook()
    hook.attempts = [
        Attempt(hooks.guid(1), "push", PUSH, fake.moment() - hooks.RETENTION),
        Attempt(hooks.guid(2), "push", PUSH, fake.moment()),
    ]
    assert [one["guid"] for one in ask(fake, f"{hook.path}/deliveries")] == [hooks.guid(2)]
