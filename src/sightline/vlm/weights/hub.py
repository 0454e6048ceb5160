"""Checkpoints from the Hugging Face hub, in its own cache, and single files from any server, in ours."""

from pathlib import Path

from sightline.vlm import fetch
from sightline.vlm.weights.errors import UnknownModelError

TEXTS = ("*.json", "*.txt", "*.model")
"""Configs and tokenizers."""
WANTED = (*TEXTS, "*.safetensors")
"""With the weights; pickled ones are fetched only where nothing else was published (`weights.parts`)."""


def download(hub_id: str, wanted: tuple[str, ...] = WANTED) -> Path:
    """The folder of a hub id, from the cache or downloaded; raises `UnknownModelError` when neither is possible.

    The hub's client shows its progress, resumes and checks; SIGHTLINE_OFFLINE and HF_HUB_OFFLINE keep it from asking.
    """
    from huggingface_hub import constants, snapshot_download  # late: it brings an HTTP client along
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    alone = fetch.offline() is not None
    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(wanted), local_files_only=alone))
    except HFValidationError as problem:
        raise UnknownModelError(f"{hub_id!r} is not a hub id (owner/name): {problem}") from problem
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as problem:
        place = Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"
        raise UnknownModelError(
            f"{hub_id!r} is neither in the local cache nor could it be downloaded ({_reason(problem)}). "
            f"Check the name and the network; or fetch {constants.ENDPOINT}/{hub_id} elsewhere and give the folder of "
            f"that copy instead of the name, or bring that machine's cache ({place})"
        ) from problem


def fetched(source: str | Path, *, torch_hub: bool = False) -> Path:
    """A file by its path as it stands, or by its URL from the cache (or torch.hub's, which knows names only).

    Raises `UnknownModelError` for one that is not there and cannot be fetched.
    """
    if not fetch.is_url(source):
        return Path(source).expanduser()
    try:
        return fetch.file(str(source), torch_hub=torch_hub)
    except fetch.FetchError as problem:
        raise UnknownModelError(str(problem)) from problem


def _reason(problem: Exception) -> str:
    if variable := fetch.offline(fetch.OFFLINE, "HF_HUB_OFFLINE"):
        return f"the network is off, {variable} is set"
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
