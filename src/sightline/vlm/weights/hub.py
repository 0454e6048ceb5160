"""Checkpoints from the Hugging Face hub, kept in its own cache."""

from pathlib import Path

from sightline.vlm.weights.errors import UnknownModelError

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Configs, weights and tokenizers; pickled weights are never fetched."""


def download(hub_id: str) -> Path:
    """The folder of a hub id, from the cache or downloaded; raises `UnknownModelError` when neither is possible."""
    from huggingface_hub import snapshot_download  # late: it brings an HTTP client along
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(WANTED)))
    except HFValidationError as problem:
        raise UnknownModelError(f"{hub_id!r} is not a hub id (owner/name): {problem}") from problem
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as problem:
        raise UnknownModelError(
            f"{hub_id!r} is neither in the local cache nor could it be downloaded ({_first_line(problem)}). "
            "Check the name and the network, or give the folder of a copy you already have"
        ) from problem


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
