"""How much of Langfuse's contract is served, and that the list of what is not is true."""

import pytest

from server.contract import published, sdk_answers
from server.contract.every_call import BEYOND_THE_CONTRACT, CALLS, NOT_SERVED, ours

LEAST_COVERED = 110


def covered() -> set[str]:
    return {published.route(call.key) for call in CALLS}


def test_every_operation_is_called_or_listed_with_a_reason():
    contract = set(published.operations())
    assert covered() | {published.route(key) for key in NOT_SERVED} == contract | set(BEYOND_THE_CONTRACT)
    assert len(covered() & contract) >= LEAST_COVERED
    assert all(reason.strip() for reason in NOT_SERVED.values())


@pytest.mark.parametrize("key", sorted(NOT_SERVED))
def test_what_is_listed_as_not_served_is_not(key: str):
    assert published.route(key) not in ours()


def test_somebody_says_what_every_answer_looks_like():
    silent = {key for key in covered() if published.success(key) is None and sdk_answers.answer(key, 200) is None}
    assert silent == set()
