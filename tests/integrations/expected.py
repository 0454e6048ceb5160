"""What the stand-in provider's figures become: parts taken out of their wholes, and their price."""

from typing import Any

import pytest

from integrations.provider.wire import BEFORE_FIRST_WORD_S

USAGE = {"input": 24, "input_cached_tokens": 16, "output": 7, "output_reasoning_tokens": 5, "total": 52}
"""40 tokens of which 16 were cached, 12 of which 5 were reasoning."""

USAGE_WITHOUT_REASONING = {"input": 24, "input_cached_tokens": 16, "output": 12, "total": 52}
"""The same from libraries that leave reasoning tokens out of their spans."""

EMBEDDING_USAGE = {"input": 6, "total": 6}
_CALL_USD = 24 * 0.15e-6 + 16 * 0.075e-6 + 12 * 0.6e-6
_EMBEDDING_USD = 6 * 0.02e-6
CALL_USD = pytest.approx(_CALL_USD)
EMBEDDING_USD = pytest.approx(_EMBEDDING_USD)
REFUSAL = "The model `gpt-missing` does not exist"


def cost_usd(*, calls: int, embeddings: int = 0) -> Any:
    """The price of so many calls, each counted once."""
    return pytest.approx(calls * _CALL_USD + embeddings * _EMBEDDING_USD)


def check_call(call: Any, *, usage: dict[str, int] = USAGE) -> None:
    """A call of gpt-4o-mini with the figures of the provider, each token counted and priced once."""
    assert (call.type, call.model, call.level) == ("GENERATION", "gpt-4o-mini", "DEFAULT")
    assert call.usageDetails == usage
    assert sum(count for kind, count in call.usageDetails.items() if kind != "total") == usage["total"]
    assert call.totalCost == CALL_USD


def check_streamed(call: Any) -> None:
    """The first token came after the provider's pause and before the end; milliseconds are rounded both ways."""
    assert BEFORE_FIRST_WORD_S - 0.002 <= call.timeToFirstToken <= call.latency + 0.002


def check_refused(call: Any) -> None:
    assert (call.type, call.level, call.model) == ("GENERATION", "ERROR", "gpt-missing")
    assert REFUSAL in call.statusMessage
    assert call.made is None


def check_context(observations: list[Any], *, session: str) -> None:
    """Every observation carries who asked, in which session, under which tags."""
    assert {(each.userId, each.sessionId, tuple(each.tags)) for each in observations} == {("ada", session, ("blue",))}
