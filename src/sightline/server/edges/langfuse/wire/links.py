"""Joins at read time: the prompt versions and model prices that a page of observations refers to by name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sightline.server.edges.bodies import NUL
from sightline.server.edges.services import Services
from sightline.server.pricing.records import Model, ModelId, Tier
from sightline.server.prompts.records import PromptId
from sightline.server.runtime.errors import NotFound
from sightline.server.tracing.records import Observation, ProjectId


@dataclass(frozen=True, kw_only=True)
class Links:
    """Of a page of observations; what was deleted since is not there."""

    prompts: Mapping[tuple[str, int], PromptId] = field(default_factory=dict)
    models: Mapping[ModelId, Model] = field(default_factory=dict)

    def prompt_id(self, observation: Observation) -> PromptId | None:
        if observation.prompt_name is None or observation.prompt_version is None:
            return None
        return self.prompts.get((observation.prompt_name, observation.prompt_version))

    def prices(self, observation: Observation) -> Mapping[str, float]:
        """US dollars per unit, of the tier that was used, else of the model's default one."""
        tier = self._tier(observation)
        return tier.prices if tier else {}

    def tier_id(self, observation: Observation) -> str | None:
        """Of the tier whose prices made the cost; None where the client said what it cost."""
        tier = self._tier(observation) if observation.pricing_tier else None
        return tier.id if tier else None

    def _tier(self, observation: Observation) -> Tier | None:
        model = self.models.get(ModelId(observation.model_id)) if observation.model_id else None
        if model is None:
            return None
        named = (tier for tier in model.tiers if tier.name == observation.pricing_tier)
        return next(named, model.default_tier)


async def links_of(services: Services, project_id: ProjectId, observations: Sequence[Observation]) -> Links:
    prompts = {
        (each.prompt_name, each.prompt_version)
        for each in observations
        # A span's text may hold a NUL, a prompt's name cannot, and PostgreSQL takes no question about one.
        if each.prompt_name is not None and NUL not in each.prompt_name and each.prompt_version is not None
    }
    models: dict[ModelId, Model] = {}
    for model_id in {ModelId(each.model_id) for each in observations if each.model_id}:
        with suppress(NotFound):
            models[model_id] = await services.prices.get(project_id, model_id)
    return Links(prompts=await services.prompts.ids(project_id, prompts), models=models)
