"""Answers are compared as VQA v2's official evaluation compares them; every expectation is worked out by hand."""

from typing import Any

import pytest

from sightline.vlm.evals import vqa
from sightline.vlm.evals.vqa import AnswerError, accuracy, normalise, score


@pytest.mark.parametrize(
    ("said", "compared"),
    [
        ("Yes", "yes"),
        ("The red one.", "red 1"),
        ("a dog", "dog"),
        ("two", "2"),
        ("None", "0"),
        ("ten apples", "10 apples"),
        ("eleven", "eleven"),
        ("dont know", "don't know"),
        ("it's", "it's"),
        ("im", "im"),
        ("3.5", "3.5"),
        ("3.", "3"),
        ("St. Louis", "st louis"),
        ("1,000", "1000"),
        ("red,white", "red white"),
        ("red, white", "red white"),
        ("black/white", "black white"),
        ("black / white", "black white"),
        ("t-shirt", "t shirt"),
        ("what?!", "what"),
        ("yes\n", "yes"),
        ("left\tside", "left side"),
        ("12:30", "12:30"),
        ("", ""),
    ],
)
def test_an_answer_is_spelt_as_it_is_compared(said: str, compared: str) -> None:
    assert normalise(said) == compared


def test_the_official_table_of_contractions_is_whole() -> None:
    table = vqa.contractions()
    assert len(table) == 120
    assert (table["youve"], table["somebody'd"], table["'ow'sat"]) == ("you've", "somebodyd", "'ow's'at")


@pytest.mark.parametrize(
    ("same", "worth"),
    [
        (0, 0.0),
        (1, 0.9 / 3),  # left out once: nine times a third
        (2, (2 * 1 + 8 * 2) / 30),
        (3, (3 * 2 + 7 * 3) / 30),
        (4, 1.0),
        (10, 1.0),
    ],
)
def test_an_answer_is_worth_a_third_for_each_who_gave_it_with_one_left_out(same: int, worth: float) -> None:
    people = ["Two."] * same + [f"other {at}" for at in range(10 - same)]
    given = "Two." if same == 10 else "two"
    assert accuracy(given, people) == pytest.approx(worth)


def test_where_all_people_agree_spelling_counts() -> None:
    assert accuracy("two", ["2"] * 10) == 0
    assert accuracy("YES", ["yes"] * 10) == 1


def rows() -> dict[str, Any]:
    def row(at: int, kind: str, answers: list[str]) -> dict[str, Any]:
        said = [{"answer": answer} for answer in answers]
        return {"question_id": at, "question_type": kind, "answer_type": "other", "answers": said}

    return {
        "annotations": [
            row(1, "what", ["red"] * 5 + ["blue"] * 5),
            row(2, "what", ["cat"] * 9 + ["dog"]),
            row(3, "how many", ["2"] * 9 + ["3"]),
        ]
    }


def test_a_result_file_is_scored_over_all_and_by_type() -> None:
    given = [
        {"question_id": 3, "answer": "two"},
        {"question_id": 1, "answer": "Red"},
        {"question_id": 2, "answer": "dog"},
    ]
    told = score(given, rows())
    assert told == {
        "overall": 76.67,
        "questions": 3,
        "by_question_type": {"how many": 100.0, "what": 65.0},
        "by_answer_type": {"other": 76.67},
    }


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([1, 2], "1 questions have no answer, the first is 3"),
        ([1, 2, 3, 4], "question 4 is not in the annotations"),
        ([1, 2, 3, 3], "question 3 is answered twice"),
    ],
)
def test_answers_of_other_questions_are_refused(questions: list[int], words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        score([{"question_id": at, "answer": "yes"} for at in questions], rows())


def test_one_person_is_too_few() -> None:
    with pytest.raises(AnswerError, match="it takes two"):
        accuracy("yes", ["yes"])
