"""Rate limiting."""

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from sightline.server.runtime.errors import TooBusy


class Throttle:
    """A rate limit per client: a sliding window of attempts, in this process."""

    def __init__(self, rate: str) -> None:
        """`rate` in the notation of `limits`, e.g. "10/minute"."""
        self._rate: RateLimitItem = parse(rate)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def attempt(self, client: str) -> None:
        """Count one attempt; TooBusy (429 with Retry-After) when the client has used up its window."""
        if not self._window.hit(self._rate, client):
            raise TooBusy(
                f"too many attempts: {self._rate} are allowed from one address. Wait a moment and try again.",
                retry_after_s=int(self._rate.get_expiry()),
            )
