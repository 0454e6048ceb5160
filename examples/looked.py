"""Ask the tiny model about a scene of handwriting it has never seen, and draw where it looked for each word."""

from pathlib import Path

from sightline import vlm
from sightline.vlm.data.digit_scenes import sample_scenes

scene = sample_scenes(1, seed=7, split="held-out")[0]
model = vlm.load("sightline-tiny")

caption = model.caption(scene.image, looked="gradient")[0]
print(f"caption: {caption.text}   (truth: {scene.caption})")
for word in caption.looked.words:
    print(f"  {word.text:>8}  looked hardest at row, column {word.peak}")

folder = Path("looked")
folder.mkdir(exist_ok=True)
for index, word in enumerate(caption.looked.words):
    caption.looked.overlay(word=index).save(folder / f"{index}-{word.text}.png")
print(f"maps in {folder}/")
