"""A clock whose hands a test moves."""

from datetime import datetime


class Time:
    """Always says `now`, which is set; for `clock(…)`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
