"""Scores from bodies, in the types of the configs that they name."""

from collections.abc import Mapping, Sequence

from sightline.server.edges.langfuse.scores.bodies import ScoreBody
from sightline.server.edges.services import Services
from sightline.server.evals.fitting import fitted
from sightline.server.evals.records import ConfigId, ScoreConfig
from sightline.server.runtime.errors import NotFound, SightlineError
from sightline.server.tracing.records import ProjectId, Score

EXISTS = "score {} exists, and these credentials may only create scores: leave out the id, or send the key pair"
"""Refusal of a changed score."""


async def fitting_scores(
    services: Services, project_id: ProjectId, bodies: Sequence[ScoreBody]
) -> list[Score | SightlineError]:
    """Each body as a score, or why it is none."""
    ids = {ConfigId(body.config_id) for body in bodies if body.config_id}
    configs = await services.score_configs.some(project_id, ids)
    return [_fitting(body, project_id, configs) for body in bodies]


def _fitting(body: ScoreBody, project_id: ProjectId, configs: Mapping[ConfigId, ScoreConfig]) -> Score | SightlineError:
    score = body.score(project_id)
    if body.config_id is None:
        return score
    config = configs.get(ConfigId(body.config_id))
    if config is None:
        return NotFound(f"Score config not found: {body.config_id!r} does not exist in this project")
    try:
        return fitted(score, config, typed=body.data_type is not None)
    except SightlineError as problem:
        return problem
