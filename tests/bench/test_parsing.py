"""The benchmark of parsing: payloads are completed, and rates are correct. githubkit is not needed."""

import json

import pytest
from pydantic import BaseModel

import schemas
from bench import examples, parsing
from schemas.issues import IssuesEvent
from tests import github


class Owner(BaseModel):
    login: str
    followers_url: str
    site_admin: bool


class Repository(BaseModel):
    id: int
    owner: Owner
    topics: list[str]
    stargazers_count: int
    license: None


class Demanding(BaseModel):
    """A model with required fields that the project's payloads do not have."""

    repository: Repository


class Impossible(BaseModel):
    """A model whose missing fields have no obvious value."""

    moon: int


def test_a_payload_is_completed_with_what_a_model_misses() -> None:
    payload = github.payload("issues__opened")
    body = examples.completed("issues", payload, lambda _, body: Demanding.model_validate_json(body))
    assert body is not None
    repository = json.loads(body)["repository"]
    assert (repository["topics"], repository["stargazers_count"], repository["license"]) == ([], 0, None)
    assert repository["owner"]["followers_url"].startswith("https://")
    assert repository["full_name"] == "harbour-works/tide-tables"


def test_completed_and_as_it_was_a_payload_says_the_same_to_our_schemas() -> None:
    payload = github.payload("issues__opened")
    before = schemas.parse(IssuesEvent, json.dumps(payload).encode())
    body = examples.completed("issues", payload, lambda _, body: Demanding.model_validate_json(body))
    assert body is not None
    assert schemas.parse(IssuesEvent, body) == before


def test_a_payload_that_cannot_be_completed_is_left_out() -> None:
    found, refused = examples.bodies(lambda _, body: Impossible.model_validate_json(body), [github.PAYLOADS])
    assert found == {}
    assert refused > 50


def test_a_contender_reads_the_bodies_of_all_events_alike() -> None:
    rounds = {parsing.OURS: {"push": [0.1, 0.2], "issues": [0.3, 0.2]}}
    whole = parsing.Result(rounds, {}, 0).whole()
    assert whole[parsing.OURS] == pytest.approx([5.0, 5.0])


def test_the_targets_name_contenders_that_there_are() -> None:
    named = {name for target in parsing.TARGETS for name in (target.over, target.under)}
    assert named == {parsing.OURS, parsing.PARSE, parsing.MODELS}
