"""The sample payloads of the project, with the headers that GitHub would send."""

from pathlib import Path
from uuid import uuid4

import schemas
from receiver import signatures

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "payloads"
# The preferred samples of an event: those that begin a history.
FIRST_CASES = ("branch", "opened", "created", "submitted", "requested", "published", "repository")
HOOK_ID = 470100500


class NoSampleError(Exception):
    """The project has no sample of this event."""


def sample(name: str, folder: Path = FOLDER) -> tuple[str, Path]:
    """Return event and file of `push` or of one case, `push__branch_deleted`; raise `NoSampleError`."""
    event, _, case = name.partition("__")
    cases = {path.stem.partition("__")[2]: path for path in sorted(folder.glob(f"{event}__*.json"))}
    for wanted in [case] if case else [*FIRST_CASES, *cases]:
        if wanted in cases:
            return event, cases[wanted]
    events = {path.stem.partition("__")[0] for path in folder.glob("*.json")}
    names = [path.stem for path in cases.values()] or sorted(events)
    raise NoSampleError(f"there is no sample {name!r}; choose one of: {', '.join(names)}")


def headers(event: str, body: bytes, secret: bytes) -> dict[str, str]:
    """Return the headers of a signed delivery with a new guid; a body that begins as a form is one."""
    return {
        "Content-Type": schemas.FORM if body.startswith(b"payload=") else "application/json",
        "User-Agent": "GitHub-Hookshot/hookkeeper-send",
        "X-GitHub-Delivery": str(uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(HOOK_ID),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        signatures.HEADER: signatures.sign(secret, body),
    }
