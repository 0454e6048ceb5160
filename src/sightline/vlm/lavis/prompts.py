"""What LAVIS' models are asked: a batch's questions, choices, dialogue and words read off the image, as prompts."""

import string

from sightline.vlm.config import ModelError
from sightline.vlm.lavis.base import Samples, texts_of

OCR_TOKENS = 30
"""Words read off the image that go into a prompt."""


def prompts_of(samples: Samples, usual: str) -> list[str]:
    """A prompt an image: the batch's own, one for all, or the usual one; words read off the image are filled in."""
    many = len(samples["image"])
    given = texts_of(samples, "prompt") if "prompt" in samples else [usual]
    if len(given) not in (1, many):
        raise ModelError(f"{many} images and {len(given)} prompts: give one prompt, or as many as images")
    if "ocr_tokens" in samples:
        read = [", ".join(words[:OCR_TOKENS]) for words in samples["ocr_tokens"]]
        return [prompt.replace("{}", words) for prompt, words in zip(given * (many // len(given)), read, strict=True)]
    return given * many if len(given) == 1 else given


def asked(samples: Samples, prompt: str) -> list[str]:
    """The questions of a batch inside a prompt with one `{}`, or two: words read off the image, or lettered choices."""
    questions = texts_of(samples, "text_input")
    if not prompt:
        return questions
    if prompt.count("{}") != 2:
        return [prompt.format(question) for question in questions]
    if "ocr_tokens" in samples:
        read = [", ".join(words[:OCR_TOKENS]) for words in samples["ocr_tokens"]]
        return [prompt.format(words, question) for words, question in zip(read, questions, strict=True)]
    if "choices" not in samples:
        raise ModelError(f"the prompt {prompt!r} has two slots: samples needs 'ocr_tokens' or 'choices'")
    lettered = [
        " ".join(f"({letter}) {choice}" for letter, choice in zip(string.ascii_lowercase, choices, strict=False))
        for choices in samples["choices"]
    ]
    return [prompt.format(question, choices) for question, choices in zip(questions, lettered, strict=True)]


def formatted(samples: Samples, prompts: list[str]) -> list[str]:
    """Prompts filled with the batch's "text_input", behind its "context", "history" and "caption"."""
    told = list(prompts)
    if "text_input" in samples:
        fillings = [[each] if isinstance(each, str) else list(each) for each in texts_of(samples, "text_input")]
        told = [prompt.format(*filling) for prompt, filling in zip(told, fillings, strict=True)]
    frames = (
        ("context", "context: {}. {}"),
        ("history", "dialog history: {}\n{}"),
        ("caption", 'This image has the caption "{}". {}'),
    )
    for key, form in frames:
        if any(samples.get(key, ())):
            told = [form.format(each, prompt) for each, prompt in zip(samples[key], told, strict=True)]
    return told
