"""Where what happens to accounts is told: the server's log, until a recorder of its own is handed in."""

import structlog

from sightline.server.accounts.records import AccountEvent

log = structlog.get_logger()


async def log_event(event: AccountEvent) -> None:
    """A failed sign-in is a warning, so that a log of the default level shows guessing; the rest is information."""
    said = {
        "email": event.email,
        "user": event.user_id,
        "organization": event.organization_id,
        "client": event.client.address,
        "detail": event.detail,
    }
    say = log.warning if event.kind == "sign-in failed" else log.info
    say(event.kind, **{name: value for name, value in said.items() if value is not None})
