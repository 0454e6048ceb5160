"""Commands that write words about images: ask, caption."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.vlm.cli.batch import gathered, given_texts, one_image, perform
from sightline.vlm.cli.job import Job, Sources, takes_job
from sightline.vlm.cli.looked import LookedOut, check_looked, write_looked
from sightline.vlm.cli.shell import Beams, Length, given, load, model_half, print_json
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Items
    from sightline.vlm.loaded import Answer


@takes_job
def ask(
    image: Annotated[str, typer.Argument(help="An image, URL, folder, pattern, list or table.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="One or several; none: the column `question` of a table.")
    ] = None,
    *,
    job: Job,
    beams: Beams = None,
    max_new_tokens: Length = None,
    looked: LookedOut = None,
) -> None:
    """Answer questions about images; each image is encoded once, however many questions there are."""
    options = given(num_beams=beams, max_new_tokens=max_new_tokens)
    asked = given_texts(questions, "question")
    check_looked(looked, job.out)
    with model_half():
        from sightline.vlm.bulk import Answers  # late: brings torch

        items = gathered([image], job, Answers.columns)
        if job.out is None and len(items) == 1 and asked:
            _ask_one(job, items, asked, looked, options)
            return
        if looked is not None:
            one_image(items, "--looked")
        if not asked and not next(iter(items)).fields.get("question"):
            raise SightlineVlmError("no question: give one or several, or a table with a column `question`")
        perform(
            job,
            items,
            lambda loaded: Answers(model=loaded, questions=asked, options=options),
            lambda row, alone: row["answer"] if alone else f"{row['image']}: {row['question']} {row['answer']}",
        )


@takes_job
def caption(
    images: Sources,
    *,
    job: Job,
    prompt: Annotated[str | None, typer.Option(help="What the language model reads after the image.")] = None,
    beams: Beams = None,
    max_new_tokens: Length = None,
    looked: LookedOut = None,
) -> None:
    """Describe images; one that cannot be read is reported, and the others are described all the same."""
    options = given(num_beams=beams, max_new_tokens=max_new_tokens)
    check_looked(looked, job.out)
    with model_half():
        from sightline.vlm.bulk import Captions, told  # late: brings torch
        from sightline.vlm.data.images import read

        items = gathered(images, job, Captions.columns)
        if looked is not None:
            picture = read(one_image(items, "--looked"))
            answers = load(job.model, job.device).caption(picture, prompt, looked="gradient", **options)
            write_looked([answer.looked for answer in answers], picture, looked)
            if job.as_json:
                rows = [{"image": images[0], **told(answer, "caption"), **_looked(answer)} for answer in answers]
                print_json({"model": job.model, "captions": rows})
            else:
                typer.echo(answers[0].text)
            return
        perform(
            job,
            items,
            lambda loaded: Captions(model=loaded, prompt=prompt, options=options),
            lambda row, alone: row["caption"] if alone else f"{row['image']}: {row['caption']}",
        )


def _ask_one(job: Job, items: "Items", questions: list[str], looked: Path | None, options: dict[str, Any]) -> None:
    """One image: its answers, a line each."""
    from sightline.vlm.bulk import told  # late: brings torch
    from sightline.vlm.data.images import read

    item = next(iter(items))
    picture = read(one_image(items, "a question"))
    method = "gradient" if looked is not None else None
    answers = load(job.model, job.device).ask(picture, questions, looked=method, **options)
    if looked is not None:
        write_looked([answer.looked for answer in answers], picture, looked)
    if job.as_json:
        rows = [
            {"question": question, **told(answer, "answer"), **_looked(answer)}
            for question, answer in zip(questions, answers, strict=True)
        ]
        print_json({"model": job.model, "image": item.name, "answers": rows})
        return
    for answer in answers:
        typer.echo(answer.text)


def _looked(answer: "Answer") -> dict[str, Any]:
    """Where the model looked, as JSON has it beside one image's answers."""
    return {"looked": None if answer.looked is None else answer.looked.to_dict()}
