"""Where a field of a body is a choice of words, every word of the contract is accepted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from server.contract import published
from server.contract.every_call import CALLS
from server.contract.project import START, Project
from server.contract.seeding import CATEGORIES, CODE, JUDGE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OF_SCORES = {"metrics": [{"measure": "count", "agg": "count"}], "filters": []}
COMPLETED: Mapping[str, Mapping[str, Any]] = {
    "exportMode FROM_CUSTOM_DATE": {"exportStartDate": START},
    "type S3_COMPATIBLE": {"endpoint": "https://storage.example.org"},
    "adapter bedrock": {"config": {"region": "eu-central-1"}},
    "POST /api/public/score-configs dataType CATEGORICAL": {"categories": CATEGORIES},
    "POST /api/public/scores dataType CATEGORICAL": {"value": "good"},
    "POST /api/public/scores dataType TEXT": {"value": "good"},
    "POST /api/public/scores dataType CORRECTION": {"value": "good"},
    "POST /api/public/scores source ANNOTATION": {"dataType": "CORRECTION", "value": "good"},
    "view scores-numeric": OF_SCORES,
    "view scores-boolean": OF_SCORES,
    "view scores-categorical": OF_SCORES,
    "PATCH /api/public/v2/evaluators/{evaluatorId} type code": CODE,
    "PATCH /api/public/v2/evaluators/{evaluatorId} type llm_as_judge": JUDGE,
    "PATCH /api/public/v2/evaluators/{evaluatorId} sourceCodeLanguage PYTHON": CODE,
    "PATCH /api/public/v2/evaluators/{evaluatorId} sourceCodeLanguage TYPESCRIPT": CODE,
}
"""What some words need beside them, by the end of operation, field and word."""
OF_ITS_KIND = {"code": "code", "PYTHON": "code", "TYPESCRIPT": "code", "llm_as_judge": "judge"}
"""An evaluator stays what it is."""
KEYS = sorted({call.key for call in CALLS if call.body is not None})


@pytest.mark.parametrize("key", KEYS)
async def test_every_word_is_accepted(project: Project, key: str):
    operation = published.operations().get(published.route(key))
    for variant, fields in operation.bodies.items() if operation else ():
        call = next(call for call in CALLS if call.key == key and call.variant == variant and call.body is not None)
        for name, word in ((field.name, word) for field in fields for word in field.words):
            request = await call.resolved(project)
            more = next((more for end, more in COMPLETED.items() if f"{key} {name} {word}".endswith(end)), {})
            path = {"evaluatorId": project[OF_ITS_KIND[word]]} if word in OF_ITS_KIND and request.path else request.path
            answer = await replace(request, path=path, body={**request.body, **more, name: word}).sent(project)
            assert answer.is_success, f"{name} {word}: {answer.text}"


async def test_most_choices_are_looked_at():
    bodies = [operation.bodies.values() for operation in published.operations().values()]
    choices = [field for variants in bodies for fields in variants for field in fields if field.words]
    assert len(choices) > 30
