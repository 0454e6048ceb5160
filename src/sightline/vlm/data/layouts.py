"""Published layouts of captions and questions, as rows: COCO, Karpathy's splits, VQAv2, GQA, Flickr30k, LAVIS.

    {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}        COCO
    {"images": [{"filename", "filepath", "sentences": [{"raw"}]}]}                     Karpathy's splits
    {"questions": [{"image_id", "question", "question_id"}], "data_subtype": "val2014"} VQAv2
    {"0123": {"imageId", "question"}}                                                  GQA
    1000092795.jpg#0<tab>Two men …                                                     Flickr30k's tokens
    [{"image", "caption": […]}]                                                        LAVIS: rows like any other

Where captions are what is worked with, each is a row; else an image is one row with all its captions.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightline.vlm.data.tables import Record
from sightline.vlm.data.text import SourceError

TOKEN = re.compile(r"(?P<image>[^\t]+\.\w+)#(?P<number>\d+)\t(?P<text>.*)")
"""A line of Flickr's token files."""


def of_json(value: Any, path: Path, texts: bool) -> list[Record] | None:
    """The rows of a known layout; none for JSON of another kind. Raises `SourceError` for answers without questions."""
    if not isinstance(value, dict):
        return None
    if _objects(value.get("questions")):
        return list(_questions(value))
    if _objects(value.get("images")):
        return list(_images(value, texts))
    if _objects(value.get("annotations")) and "question_id" in value["annotations"][0]:
        raise SourceError(f"{path} holds the answers of a VQA data set: give the file of its questions")
    if value and all(isinstance(each, dict) and "imageId" in each for each in value.values()):
        return [{"image": f"{each['imageId']}.jpg", "question_id": key, **each} for key, each in value.items()]
    return None


def of_tokens(lines: list[str], texts: bool) -> list[Record] | None:
    """The rows of a Flickr token file; none for a list of another kind."""
    found = [TOKEN.fullmatch(line) for line in lines if line.strip()]
    if not found or found[0] is None:
        return None
    named = [(each["image"], each["text"]) for each in found if each is not None]
    if texts:
        return [{"image": image, "text": text} for image, text in named]
    captions: dict[str, list[str]] = defaultdict(list)
    for image, text in named:
        captions[image].append(text)
    return [{"image": image, "captions": each} for image, each in captions.items()]


def _objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _questions(value: dict[str, Any]) -> Iterator[Record]:
    """VQAv2: an image's name is made of the split and its number."""
    split = str(value.get("data_subtype", "")).replace("test-dev", "test")
    for each in value["questions"]:
        number = each.get("image_id")
        named = {} if any(name in each for name in ("image", "file_name")) else {"image": _coco_name(split, number)}
        yield {**named, **each}


def _coco_name(split: str, number: Any) -> str:
    digits = f"{number:012d}" if isinstance(number, int) else str(number)
    return f"COCO_{split}_{digits}.jpg" if split else f"{digits}.jpg"


def _images(value: dict[str, Any], texts: bool) -> Iterator[Record]:
    captions: dict[Any, list[str]] = defaultdict(list)
    for each in value.get("annotations") or []:
        if isinstance(each, dict) and "caption" in each:
            captions[each.get("image_id")].append(each["caption"])
    for image in value["images"]:
        own = [each.get("raw", "") for each in image.get("sentences") or [] if isinstance(each, dict)]
        said = own or captions.get(image.get("id"), [])
        row = {name: item for name, item in image.items() if name not in ("id", "sentences", "file_name", "filename")}
        folder = image.get("filepath")
        name = image.get("file_name") or image.get("filename") or ""
        row = {"image": f"{folder}/{name}" if folder else name, "image_id": _id_of(image), **row}
        if texts:
            yield from ({**row, "text": each} for each in said)
        else:
            yield {**row, "captions": said} if said else row


def _id_of(image: dict[str, Any]) -> Any:
    return next((image[name] for name in ("id", "cocoid", "imgid") if name in image), None)
