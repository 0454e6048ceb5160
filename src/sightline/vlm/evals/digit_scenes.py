"""The benchmark on held-out handwriting: VQA and caption exact match, retrieval recall@1, and the pointing game.

Everything goes through what a user holds (`Loaded`), so the figures are those of the model as shipped.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.vlm.data.digit_scenes import CANVAS_PX, DIGITS, INKS, Question, Scene, Thing, sample_scenes
from sightline.vlm.evals.progress import Progress
from sightline.vlm.loaded import Answer, Loaded, WordMap
from sightline.vlm.loaded.scoring import best_cosines

SCENES = 400
"""Size of the benchmark."""
SEED = 7
"""Of its scenes."""
CANDIDATES = 100
"""Distinct captions among which an image has to find its own."""
AT_ONCE = 64
"""Batch size: images in one call of the model."""
METHOD = "gradient"
"""Whose maps the pointing game is played with."""


@dataclass(frozen=True)
class Asked:
    """A question and the scene it is about."""

    scene: Scene
    question: Question


@dataclass(frozen=True)
class Pointed:
    """The map of a digit's word, and the thing the word is about; none when the scene has no such thing."""

    word: WordMap
    thing: Thing | None

    @property
    def hit(self) -> bool:
        """Whether the centre of the map's highest cell lies in the thing's box."""
        (row, column), (rows, columns) = self.word.peak, self.word.grid.shape
        x_px, y_px = (column + 0.5) * CANVAS_PX / columns, (row + 0.5) * CANVAS_PX / rows
        return self.thing is not None and self.thing.holds(x_px, y_px)

    @property
    def chance(self) -> float:
        """Share of cells that would have been a hit."""
        rows, columns = self.word.grid.shape
        side_x, side_y = CANVAS_PX / columns, CANVAS_PX / rows
        places = [((column + 0.5) * side_x, (row + 0.5) * side_y) for row in range(rows) for column in range(columns)]
        return share(self.thing is not None and self.thing.holds(*place) for place in places)


def evaluate(model: Loaded, progress: Progress, n: int = SCENES, seed: int = SEED) -> dict[str, Any]:
    """Figures of a model on `n` scenes of held-out handwriting, all shares between 0 and 1."""
    scenes = sample_scenes(n, seed, "held-out")
    asked = [Asked(scene, question) for scene in scenes for question in scene.questions]
    answers = _answers(model, asked, asked, progress)
    captions = _captions(model, scenes, progress)
    shuffled = _answers(model, asked, _moved(scenes), progress, what="shuffled images")
    answered, told = list(_pointed_answers(asked, answers)), list(_pointed_captions(scenes, captions))
    retrieval, candidates = _recall_at_1(model, scenes, progress)
    return {
        "vqa": _vqa(asked, answers),
        "caption": _caption_figures(scenes, captions),
        "retrieval": {"image_to_text_r1": retrieval},
        "shuffled_images": {"vqa": _vqa(asked, shuffled)["accuracy"]},
        "looked": {
            "question_pointing": share(each.hit for each in answered),
            "caption_pointing": share(each.hit for each in told),
            "chance": mean(each.chance for each in (*answered, *told)),
        },
        "n": {
            "scenes": n,
            "questions": len(asked),
            "by_type": {kind: len(rows) for kind, rows in _by_kind(asked).items()},
            "retrieval_candidates": candidates,
            "question_pointing": len(answered),
            "caption_pointing": len(told),
        },
        "seed": seed,
        "split": "held-out",
        "model": model.name,
    }


def share(hits: Iterable[bool]) -> float:
    """Share of true, 0 of none."""
    return mean(float(hit) for hit in hits)


def mean(values: Iterable[float]) -> float:
    """Mean, 0 of none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def same(said: str, true: str) -> bool:
    """Exact match, apart from case and the spaces between words."""
    return said.lower().split() == true.lower().split()


def _answers(
    model: Loaded, asked: Sequence[Asked], shown: Sequence[Asked], progress: Progress, what: str = "questions"
) -> list[Answer]:
    """Answers to `asked` about the images of `shown`, the same or others; with maps where the images are theirs."""
    method = METHOD if shown is asked else None
    answers: list[Answer] = []
    for at in range(0, len(asked), AT_ONCE):
        progress(what, at, len(asked))
        batch = slice(at, at + AT_ONCE)
        images = [each.scene.image for each in shown[batch]]
        answers += model.ask(images, [each.question.text for each in asked[batch]], looked=method)
    progress(what, len(asked), len(asked))
    return answers


def _captions(model: Loaded, scenes: Sequence[Scene], progress: Progress) -> list[Answer]:
    captions: list[Answer] = []
    for at in range(0, len(scenes), AT_ONCE):
        progress("captions", at, len(scenes))
        captions += model.caption([scene.image for scene in scenes[at : at + AT_ONCE]], looked=METHOD)
    progress("captions", len(scenes), len(scenes))
    return captions


def _moved(scenes: Sequence[Scene]) -> list[Asked]:
    """Every question of a scene, shown with the next scene's image."""
    following = [*scenes[1:], scenes[0]]
    return [
        Asked(other, question) for scene, other in zip(scenes, following, strict=True) for question in scene.questions
    ]


def _vqa(asked: Sequence[Asked], answers: Sequence[Answer]) -> dict[str, Any]:
    right = [same(answer.text, each.question.answer) for each, answer in zip(asked, answers, strict=True)]
    by_type = {kind: share(right[row] for row in rows) for kind, rows in _by_kind(asked).items()}
    return {"accuracy": share(right), "by_type": by_type}


def _by_kind(asked: Sequence[Asked]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, each in enumerate(asked):
        rows[each.question.kind].append(row)
    return dict(sorted(rows.items()))


def _caption_figures(scenes: Sequence[Scene], captions: Sequence[Answer]) -> dict[str, Any]:
    right = [same(answer.text, scene.caption) for scene, answer in zip(scenes, captions, strict=True)]
    rows = list(zip(scenes, right, strict=True))
    counts = sorted({len(scene.things) for scene in scenes})
    return {
        "exact_up_to_two": share(hit for scene, hit in rows if len(scene.things) <= 2),
        "exact": share(right),
        "by_count": {str(n): share(hit for scene, hit in rows if len(scene.things) == n) for n in counts},
    }


def _recall_at_1(model: Loaded, scenes: Sequence[Scene], progress: Progress) -> tuple[float, int]:
    """Image-to-text recall@1 by ITC cosine alone, without re-ranking; and among how many captions."""
    progress("retrieval", 0, 1)
    distinct = list({scene.caption: scene for scene in scenes}.values())[:CANDIDATES]
    images = model.embed(images=[scene.image for scene in distinct], mode="image").projected
    texts = model.embed(texts=[scene.caption for scene in distinct], mode="text").projected
    if images is None or texts is None:
        return 0.0, len(distinct)
    found_N = best_cosines(images, texts).argmax(1)
    progress("retrieval", 1, 1)
    return share(int(found) == own for own, found in enumerate(found_N)), len(distinct)


def _pointed_answers(asked: Sequence[Asked], answers: Sequence[Answer]) -> Iterator[Pointed]:
    """Answers that name a digit, in scenes of two and more: the question says which thing it is about."""
    for each, answer in zip(asked, answers, strict=True):
        if each.question.about is None or len(each.scene.things) < 2:
            continue
        for word in _digit_words(answer)[:1]:
            yield Pointed(word[1], each.question.about)


def _pointed_captions(scenes: Sequence[Scene], captions: Sequence[Answer]) -> Iterator[Pointed]:
    """Digit words of captions, in scenes of two and more: the ink in front of the word says which thing it is."""
    for scene, caption in zip(scenes, captions, strict=True):
        if len(scene.things) < 2:
            continue
        for ink, word in _digit_words(caption):
            yield Pointed(word, next((thing for thing in scene.things if thing.ink == ink), None))


def _digit_words(answer: Answer) -> list[tuple[str, WordMap]]:
    """Maps of digit words, each with the ink said right before it."""
    words = answer.looked.words if answer.looked else ()
    before = ["", *(word.text for word in words)]
    return [(ink if ink in INKS else "", word) for ink, word in zip(before, words, strict=False) if word.text in DIGITS]
