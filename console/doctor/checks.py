"""Lists the checks."""

from collections.abc import Iterator, Sequence

from console.doctor import hooks, machine, posting, services
from console.doctor.findings import Finding, Status
from console.doctor.posting import Accept
from console.doctor.running import Check


def checks(url: str = "", hook_url: str = "", accept: Accept = posting.any_address) -> Sequence[Check]:
    """Return all checks. With a URL, one of them posts a ping to it, at an address that `accept` accepts.

    `hook_url` is the address that hooks should have, if it is known.
    """
    return [
        Check("version", machine.check_version),
        Check("database", services.check_database),
        Check("redis", services.check_redis),
        Check("workers", services.check_workers),
        Check("secrets", machine.check_secrets),
        Check("clock", machine.check_clock),
        Check("disk", machine.check_disk),
        Check("webhook", lambda: posting.check_webhook(url, accept), posting.WEBHOOK_LIMIT)
        if url
        else Check("webhook", _no_url),
        Check("hooks", lambda: hooks.check_hooks(hook_url), hooks.HOOKS_LIMIT),
    ]


def _no_url() -> Iterator[Finding]:
    yield Finding(
        "webhook",
        Status.SKIPPED,
        "no ping was sent, as there is no URL",
        "Give the hook's address, as in `manage.py doctor --url https://your.host/webhooks/github`.",
    )
