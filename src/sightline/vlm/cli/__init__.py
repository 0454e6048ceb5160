"""Commands of the model half. Importing this package loads neither torch nor transformers; running a command does."""

import typer

from sightline.vlm.cli.find import index, search
from sightline.vlm.cli.models import endpoint, evaluate, list_models
from sightline.vlm.cli.scores import classify, embed, match
from sightline.vlm.cli.words import ask, caption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command()(ask)
app.command()(caption)
app.command()(match)
app.command()(index)
app.command()(search)
app.command()(classify)
app.command()(embed)
app.command("models")(list_models)
app.command()(evaluate)
app.command()(endpoint)
