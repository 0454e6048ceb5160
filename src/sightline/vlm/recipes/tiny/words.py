"""The hundred words of the tiny world, and one tokenizer of them for the language model and the bridge alike."""

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from sightline.vlm.data.digit_scenes import DIGITS, INKS
from sightline.vlm.data.digit_scenes.grammar import FORMS, PLACES

PAD, UNKNOWN, BOS, EOS, DECODE = "<pad>", "<unk>", "<s>", "</s>", "<dec>"
"""Special tokens: padding, unknown, begin and end of sequence, and [DEC], which begins a caption of the Q-Former."""
SPECIAL = (PAD, UNKNOWN, BOS, EOS, DECODE)
"""The same in the order of their ids."""

PLACE_STEPS = 16
"""Along each axis a place has one of so many words (4 pixels each)."""
COLUMNS = tuple(f"x{step}" for step in range(PLACE_STEPS))
"""Words for where a thing stands from left to right."""
ROWS = tuple(f"y{step}" for step in range(PLACE_STEPS))
"""Words for where a thing stands from top to bottom."""
RANKS = ("first", "second", "third", "fourth")
"""Places in the order of the caption."""
NOTHING = "nothing"
"""What a position of a list says that tells of no thing."""

QUESTION_TEMPLATE = "question: {} answer:"
"""What a question is put into, for the language model."""


def _vocabulary() -> tuple[str, ...]:
    spoken = [*DIGITS, *INKS, "a", "left", "of", "above", "then", "yes", "no", "question", "answer"]
    for form in (*(form for forms in FORMS.values() for form in forms), *PLACES):
        spoken += form.replace("{}", "").split()
    return tuple(dict.fromkeys((*SPECIAL, *spoken, *COLUMNS, *ROWS, *RANKS, NOTHING)))


VOCABULARY = _vocabulary()
"""Every word of the tiny world; a word is a token, its place is its id."""


def build_tokenizer() -> Tokenizer:
    """Word by word, lower case, punctuation dropped, American spelling understood; `<s>` in front of every text."""
    backend = Tokenizer(models.WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token=UNKNOWN))
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex("[^a-z0-9<>/ ]"), " "),
            normalizers.Replace("color", "colour"),
        ]
    )
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(list(SPECIAL))
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, VOCABULARY.index(BOS))]
    )
    backend.enable_padding(pad_id=VOCABULARY.index(PAD), pad_token=PAD)
    return backend
