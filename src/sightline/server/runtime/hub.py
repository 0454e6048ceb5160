"""In-process pub/sub of live hints: a topic changed in a project, and how often. Data comes from the normal reads.

A subscriber owns a mailbox keyed by topic; publishing coalesces counts in it. So a slow consumer needs no
backpressure: it costs one number per topic however much happens meanwhile.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

SECONDS_BETWEEN_HINTS = 0.25
"""Throttle of a subscription: hints in between are coalesced."""
SECONDS_BETWEEN_CHECKS = 1.0
"""A busy subscription asks again this often whether its subscriber may still listen."""
SECONDS_UNTIL_CHECKED = 5.0
"""A silent subscription asks after so long."""
RECENT_S = 60.0
"""Replay window: a page reads before it subscribes, so a new subscriber hears of changes this recent."""


@dataclass(frozen=True)
class Hint:
    """`count` things of `topic` ("traces", "scores") arrived since the last hint of that topic.

    The first hint of a subscription may count one for a topic that changed in the minute before.
    """

    topic: str
    count: int


class _Mailbox:
    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.changed = asyncio.Event()


class LiveHub:
    """Fans hints out to the subscribers of a project, each at most four times a second."""

    def __init__(
        self,
        *,
        between_hints_s: float = SECONDS_BETWEEN_HINTS,
        until_checked_s: float = SECONDS_UNTIL_CHECKED,
    ) -> None:
        self._between_hints_s, self._until_checked_s = between_hints_s, until_checked_s
        self._mailboxes: dict[str, set[_Mailbox]] = defaultdict(set)
        self._changed_at: dict[str, dict[str, float]] = defaultdict(dict)
        self._closed = False
        self.relay: Callable[[str, str, int], None] | None = None
        """Forwards everything published here to other processes."""

    @property
    def subscribers(self) -> int:
        return sum(len(boxes) for boxes in self._mailboxes.values())

    def publish(self, project_id: str, topic: str, count: int = 1) -> None:
        """Fan out to the project's subscribers, here and through the relay; never blocks."""
        self.deliver(project_id, topic, count)
        if self.relay:
            self.relay(project_id, topic, count)

    def deliver(self, project_id: str, topic: str, count: int) -> None:
        """Fan out to the project's subscribers in this process, and to those who subscribe within `RECENT_S`."""
        self._changed_at[project_id][topic] = time.monotonic()
        for mailbox in self._mailboxes.get(project_id, ()):
            mailbox.counts[topic] += count
            mailbox.changed.set()

    async def subscribe(
        self, project_id: str, still: Callable[[], Awaitable[bool]] | None = None
    ) -> AsyncIterator[Hint]:
        """Hints of one project, of the last minute and from now on, until the hub closes or the caller leaves.

        `still` says whether the caller may listen, and is asked again while it does: permissions are revoked in the
        database, by any process.
        """
        mailbox = _Mailbox()
        self._mailboxes[project_id].add(mailbox)
        mailbox.counts |= dict.fromkeys(self._recent(project_id), 1)
        if mailbox.counts or self._closed:
            mailbox.changed.set()
        checked_at = time.monotonic()
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(mailbox.changed.wait(), self._until_checked_s if still else None)
                if still and time.monotonic() - checked_at >= SECONDS_BETWEEN_CHECKS:
                    checked_at = time.monotonic()
                    if not await still():
                        return
                mailbox.changed.clear()
                counts, mailbox.counts = mailbox.counts, defaultdict(int)
                for topic, count in counts.items():
                    yield Hint(topic, count)
                if self._closed:
                    return
                await asyncio.sleep(self._between_hints_s)
        finally:
            self._mailboxes[project_id].discard(mailbox)
            if not self._mailboxes[project_id]:
                del self._mailboxes[project_id]

    def _recent(self, project_id: str) -> list[str]:
        if self._closed:
            return []
        since = time.monotonic() - RECENT_S
        return [topic for topic, changed_at in self._changed_at.get(project_id, {}).items() if changed_at >= since]

    def close(self) -> None:
        """Drain and end every subscription, for graceful shutdown: a server waits for open streams."""
        self._closed = True
        for mailboxes in self._mailboxes.values():
            for mailbox in mailboxes:
                mailbox.changed.set()
