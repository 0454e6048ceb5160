"""How much of Langfuse's contract is served, and that the lists of what is not, and of what is besides, are true."""

from collections.abc import Iterable
from pathlib import Path

from server.contract import published, sdk_answers
from server.contract.calls_besides import WITHOUT_A_SHAPE
from server.contract.every_call import BESIDES, CALLS, NOT_SERVED, ours

LEAST_COVERED = 110
RECORD = Path(__file__).parents[3] / "docs/decisions/0009-answers-have-langfuses-published-shapes.md"


def routes(keys: Iterable[str]) -> set[str]:
    return {published.route(key) for key in keys}


def covered() -> set[str]:
    return routes(call.key for call in CALLS)


def test_every_operation_is_called_or_listed_with_a_reason():
    contract = set(published.operations())
    assert covered() | routes(NOT_SERVED) == contract | set(sdk_answers.answers())
    assert covered() & routes(NOT_SERVED) == set()
    assert len(covered() & contract) >= LEAST_COVERED
    assert all(reason.strip() for reason in NOT_SERVED.values())


def test_the_record_of_this_says_how_many_and_which():
    record = RECORD.read_text(encoding="utf-8")
    contract, known = set(published.operations()), set(sdk_answers.answers())
    by_document = [key for key in contract | known if published.success(key)]
    by_sdk = [key for key in contract | known if sdk_answers.answer(key, 200)]
    for number in (len(contract), len(known - contract), len(contract | known), len(by_document), len(by_sdk)):
        assert f" {number}" in record
    assert all(key.split(" ")[1] in record for key in NOT_SERVED)


def test_what_is_listed_as_not_served_is_not():
    assert routes(NOT_SERVED) & set(ours()) == set()


def test_what_is_served_besides_is_called_or_listed():
    besides = set(ours()) - covered()
    assert routes(call.key for call in BESIDES) | routes(WITHOUT_A_SHAPE) == besides


def test_somebody_says_what_every_answer_looks_like():
    silent = {key for key in covered() if published.success(key) is None and sdk_answers.answer(key, 200) is None}
    assert silent == set()
