import pytest

from sightline.server.tracing.environments import asked_environments, environment_name


@pytest.mark.parametrize(
    ("told", "stored"),
    [
        ("production", "production"),
        ("Production", "production"),
        (" Prod EU/1 ", "prod-eu-1"),
        ("qa.Größe", "qa-gr--e"),
        ("langfuse-dev", "platform-dev"),
        ("LANGFUSE", "platform"),
        ("x" * 100, "x" * 40),
        (5, "5"),
        ("  ", "default"),
        (None, "default"),
    ],
)
def test_a_name_is_stored_in_one_spelling_and_never_lost(told: object, stored: str):
    assert environment_name(told) == stored
    assert environment_name(stored) == stored


def test_a_filter_asks_in_the_spelling_that_is_stored():
    assert asked_environments("any of", ["Production", "QA 1"]) == ["production", "qa-1"]
    assert asked_environments("=", "Production") == "production"
    assert asked_environments("contains", "Prod") == "prod"
    assert asked_environments("is null", None) is None
