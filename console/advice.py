"""Advice for operators: what to do about each reason of a rejection."""

from receiver.models import Reason

ADVICE: dict[str, str] = {
    Reason.METHOD: "Only POST is taken at the webhook's address. A browser or a scanner asked for it.",
    Reason.TOO_LARGE: "GitHub sends no more than 25 MB; MAX_BODY_BYTES is the limit here.",
    Reason.TOO_SLOW: "The body did not come in time: the network, or a proxy before the receiver, is slow.",
    Reason.BUSY: (
        "More came at once than the receiver takes. Redeliver what GitHub shows as failed; start another "
        "receiver if it happens often."
    ),
    Reason.NO_SIGNATURE: (
        "The hook has no secret, or something else than GitHub sends here. Set a secret in its settings."
    ),
    Reason.MALFORMED_SIGNATURE: (
        "A proxy changes X-Hub-Signature-256, or something else than GitHub sends here."
    ),
    Reason.WRONG_SECRET: (
        "The secrets of the hook and of GITHUB_WEBHOOK_SECRET differ. Set the same on both sides, without "
        "quotes; while one is rotated, set both, separated by a comma. A proxy that changes the body, or "
        "drops it (0 bytes), is refused so too."
    ),
    Reason.HEADER: "A header of GitHub's is missing or malformed: a proxy drops it, or a program sends.",
    Reason.CONTENT_TYPE: (
        "Set the hook's content type to application/json or application/x-www-form-urlencoded. No proxy may "
        "compress the body."
    ),
    Reason.NOT_JSON: "The signature is right and the body is no JSON: a program of your own signs it.",
    Reason.CONFLICT: (
        "Another body came under a known GUID and hook: two senders share a secret, or somebody repeats a "
        "captured request."
    ),
    Reason.STORE_DOWN: "The database did not take the delivery. Redeliver what GitHub shows as failed.",
}
