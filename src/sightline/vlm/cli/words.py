"""Commands that write words about images: ask, caption."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.vlm.cli.batch import gathered, given_texts, one_image, perform, read_texts
from sightline.vlm.cli.job import Job, Sources, Writing, takes_job
from sightline.vlm.cli.looked import LookedOut, check_looked, write_looked
from sightline.vlm.cli.shell import load, model_half, print_json, say_unknown
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.bulk import Items, Task
    from sightline.vlm.loaded import Answer, Loaded


@takes_job
def ask(
    image: Annotated[str, typer.Argument(help="An image, URL, folder, pattern, list or table.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="One or several; none: the column `question` of a table.")
    ] = None,
    *,
    job: Job,
    template: Annotated[
        str | None, typer.Option("--template", help="What a question is put into, with one {}; the checkpoint's own.")
    ] = None,
    looked: LookedOut = None,
    writing: Writing,
) -> None:
    """Answer questions about images; each image is encoded once, however many questions there are."""
    options = {**writing.options(), **({} if template is None else {"template": template})}
    asked = given_texts(questions, "question")
    check_looked(looked, job.out)
    with model_half():
        from sightline.vlm.bulk.columns import ANSWERS  # late: brings numpy

        items = gathered([image], job, ANSWERS)
        if job.out is None and len(items) == 1 and asked:
            _ask_one(job, items, asked, looked, options)
            return
        if looked is not None:
            one_image(items, "--looked")
        if not asked and next(iter(items)).field("question") is None:
            raise SightlineVlmError("no question: give one or several, or a table with a column `question`")

        def task(loaded: "Loaded") -> "Task":
            from sightline.vlm.bulk import Answers  # late: brings torch

            say_unknown(loaded, asked or read_texts(items, "question"))
            return Answers(model=loaded, questions=asked, options=options)

        perform(
            job,
            items,
            task,
            lambda row, alone: row["answer"] if alone else f"{row['image']}: {row['question']} {row['answer']}",
        )


@takes_job
def caption(
    images: Sources,
    *,
    job: Job,
    prompt: Annotated[str | None, typer.Option(help="What the language model reads after the image.")] = None,
    looked: LookedOut = None,
    writing: Writing,
) -> None:
    """Describe images; one that cannot be read is reported, and the others are described all the same."""
    options = writing.options()
    check_looked(looked, job.out)
    with model_half():
        from sightline.vlm.bulk.columns import CAPTIONS  # late: brings numpy

        items = gathered(images, job, CAPTIONS)
        if looked is not None:
            from sightline.vlm.data.images import read  # late, as above

            picture = read(one_image(items, "--looked"))
            from sightline.vlm.bulk import told  # late: brings torch

            answers = load(job.model, job.device).caption(picture, prompt, looked="gradient", **options)
            write_looked([answer.looked for answer in answers], picture, looked)
            if job.as_json:
                rows = [{"image": images[0], **told(answer, "caption"), **_looked(answer)} for answer in answers]
                print_json({"model": job.model, "captions": rows})
            else:
                typer.echo(answers[0].text)
            return

        def task(loaded: "Loaded") -> "Task":
            from sightline.vlm.bulk import Captions  # late: brings torch

            say_unknown(loaded, [prompt or ""])
            return Captions(model=loaded, prompt=prompt, options=options)

        perform(
            job,
            items,
            task,
            lambda row, alone: row["caption"] if alone else f"{row['image']}: {row['caption']}",
        )


def _ask_one(job: Job, items: "Items", questions: list[str], looked: Path | None, options: dict[str, Any]) -> None:
    """One image: its answers, a line each."""
    from sightline.vlm.data.images import read  # late: brings numpy and Pillow

    item = next(iter(items))
    picture = read(one_image(items, "a question"))
    method = "gradient" if looked is not None else None
    loaded = load(job.model, job.device, alone=True)
    from sightline.vlm.bulk import told  # late: brings torch

    say_unknown(loaded, questions)
    answers = loaded.ask(picture, questions, looked=method, **options)
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
