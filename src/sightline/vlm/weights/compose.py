"""A model of one's own, declared in one place: a Python value or the YAML file that says the same.

    type: ModelConfig
    encoder: {type: PretrainedEncoder, name: facebook/dinov2-base, drop_layers: 1}
    bridge: {type: QFormerConfig, patch_width: 768}
    language: {type: PretrainedLanguage, name: Qwen/Qwen2.5-0.5B}
    precision: {encoder: bfloat16, language: bfloat16}
    image: {size: 224}

Pixels are those of the encoder's own processor file where `image` does not say otherwise. Frozen parts come with their
weights, the bridge and the projection are new and to be trained. Widths are compared by their configs, before any
weights are read.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sightline.vlm.config import Config, ConfigError
from sightline.vlm.encoders import ImageFacts
from sightline.vlm.encoders.pixels import FILES
from sightline.vlm.model import PATCH_WIDTH, Blip2, Blip2Config, check_widths
from sightline.vlm.placement import Devices, Dtypes, Layout, by_part, dtypes_of
from sightline.vlm.weights.adapters import read_adapter
from sightline.vlm.weights.checkpoint import Checkpoint, Prompts
from sightline.vlm.weights.errors import UnknownModelError
from sightline.vlm.weights.huggingface import family_of, read_tokenizer
from sightline.vlm.weights.parts import check_depth, config_of, folder_of, outline_language, read_encoder, read_language
from sightline.vlm.weights.tokenizer import Tokenizer
from sightline.vlm.weights.vocabulary import check_tokenizer, embedded


@dataclass(frozen=True, kw_only=True)
class PretrainedEncoder(Config):
    """A published vision model with its weights."""

    name: str
    """Hub id or folder."""
    drop_layers: int = 1
    """Layers cut off at the end: which layer's features the bridge reads."""

    @property
    def width(self) -> int | None:
        """Width of one feature as its config says; no weights are read."""
        config = config_of(self.name)
        return getattr(getattr(config, "vision_config", config), "hidden_size", None)

    def pixels(self, size: int | None = None) -> ImageFacts | None:
        """What the processor file beside its weights says; none where there is no such file.

        With a `size` of one's own a centre crop keeps the share of a picture that it cuts away.
        """
        own = ImageFacts.from_folder(folder_of(self.name), size)
        if own is None or size is None or own.shortest_edge is None:
            return own
        return replace(own, shortest_edge=round(own.shortest_edge * size / own.size))

    def check(self) -> None:
        """Raises `CheckpointError` for one that is not there, or has not so many layers; no weights are read."""
        check_depth(config_of(self.name), self.drop_layers, self.name)

    def build(self) -> Any:
        return read_encoder(self.name, drop_layers=self.drop_layers, dtype=torch.get_default_dtype())


@dataclass(frozen=True, kw_only=True)
class PretrainedLanguage(Config):
    """A published language model with its weights and its tokenizer."""

    name: str
    """Hub id or folder."""

    def check(self) -> None:
        """Raises `CheckpointError` for one that is not there; no weights are read."""
        config_of(self.name)

    def build(self) -> Any:
        return read_language(self.name, dtype=torch.get_default_dtype())

    def outline(self) -> Any:
        """Its modules with fresh weights, by its config alone: what a split is checked against."""
        return outline_language(self.name)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """A whole model: its parts, and how it is fed."""

    encoder: Config
    bridge: Config
    language: Config | None = None
    norm_eps: float = 1e-6
    image: dict[str, Any] = field(default_factory=dict, hash=False)
    """Fields of `ImageFacts`, before those of the pretrained encoder's processor file; what neither says is refused."""
    prompts: dict[str, Any] = field(default_factory=dict, hash=False)
    """Fields of `Prompts`."""
    decoding: dict[str, Any] = field(default_factory=dict, hash=False)
    """Defaults of `caption` and `ask`."""
    precision: dict[str, str] = field(default_factory=dict, hash=False)
    """Dtype by part, as torch calls it; float32 for those not named."""
    tokenizer: str | None = None
    """Folder or hub id with the language model's tokenizer; None: the pretrained language model's own."""
    text_tokenizer: str | None = None
    """The same for the bridge's text side."""

    def build(self) -> Checkpoint:
        """The model on the CPU, ready to train: raises `ModelError` or `ConfigError` for parts that do not fit."""
        return self.compose("cpu")

    def compose(self, device: Devices = "cpu", dtype: Dtypes | None = None) -> Checkpoint:
        """The model with its tokenizers, bridge and projection fresh; `dtype` goes before `precision`."""
        layout = Layout.of({**dtypes_of(self.precision), **by_part(dtype)}, device)
        for part in (self.encoder, self.language):
            if isinstance(part, PretrainedEncoder | PretrainedLanguage):
                part.check()
        width, reads = getattr(self.encoder, "width", None), getattr(self.bridge, "patch_width", None)
        if width is not None and reads is not None:
            check_widths("the encoder gives features", width, "the bridge reads", reads, PATCH_WIDTH)
        image, prompts = self._image(), _made(Prompts, self.prompts, "prompts")
        model = Blip2Config(
            encoder=self.encoder, bridge=self.bridge, language=self.language, norm_eps=self.norm_eps
        ).build(layout)
        config = self._stored(model)
        return Checkpoint(
            name="composed",
            family=family_of(config),
            config=config,
            model=model.eval().requires_grad_(False),
            image=image,
            prompts=prompts,
            tokenizer=self._tokenizer(model),
            text_tokenizer=None if self.text_tokenizer is None else read_tokenizer(folder_of(self.text_tokenizer)),
            decoding=dict(self.decoding),
        )

    def _image(self) -> ImageFacts:
        size = self.image.get("size")
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ConfigError(f"image: size is {size!r}, give the pixels on a side of the square the encoder sees")
        pretrained = self.encoder if isinstance(self.encoder, PretrainedEncoder) else None
        own = None if pretrained is None else pretrained.pixels(size)
        facts = {**({} if own is None else asdict(own)), **self.image}
        needed = ("size",) if pretrained is None else ("size", "mean", "std")
        if absent := [name for name in needed if name not in facts]:
            why = "a fresh encoder has no file" if pretrained is None else f"{pretrained.name} has no {FILES[0]}"
            raise ConfigError(f"image: {', '.join(absent)} not given, and {why} that says so: give what it is to see")
        image: ImageFacts = _made(ImageFacts, facts, "image")
        return image

    def _stored(self, model: Blip2) -> Blip2Config:
        """The config of the parts as they are now, by which a checkpoint folder makes them again."""
        return Blip2Config(
            encoder=_kept(model.encoder, "encoder"),
            bridge=_kept(model.bridge, "bridge"),
            language=None if model.language is None else _kept(model.language, "language model"),
            norm_eps=self.norm_eps,
        )

    def _tokenizer(self, model: Blip2) -> Tokenizer | None:
        source = self.tokenizer or getattr(self.language, "name", None)
        if source is None or model.language is None:
            return None
        found = _read_tokenizer(source)
        check_tokenizer("language model", found, embedded(model.language))
        return found


def _read_tokenizer(source: str) -> Tokenizer | None:
    """The tokenizer of a folder or hub id; an adapter that comes without one has its base's."""
    folder = folder_of(source)
    found = read_tokenizer(folder)
    adapter = read_adapter(folder) if found is None else None
    return found if adapter is None else _read_tokenizer(adapter.base)


def read_model_file(path: Path, device: Devices = "cpu", dtype: Dtypes | None = None) -> Checkpoint:
    """The model that a YAML file declares; `dtype` goes before its `precision`.

    Raises `UnknownModelError` for a file that cannot be read, `ConfigError` for one that is not a `ModelConfig`.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise UnknownModelError(f"{path} cannot be read as a model's YAML file: {reason}") from problem
    try:
        return ModelConfig.from_yaml(text).compose(device, dtype)
    except ConfigError as problem:
        raise ConfigError(f"{path}: {problem}") from problem


def _kept(part: Any, what: str) -> Config:
    config = getattr(part, "config", None)
    if not isinstance(config, Config):
        raise ConfigError(f"the {what} has no `config`: a part keeps the config it was built from")
    return config


def _made(kind: Any, values: dict[str, Any], what: str) -> Any:
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as problem:
        raise ConfigError(f"{what}: {problem}") from problem
