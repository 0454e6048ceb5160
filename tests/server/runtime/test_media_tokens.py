"""One definition of a media token: what is written is what is read."""

from sightline.server.runtime.media_tokens import media_token, tokens_in


def test_a_token_that_was_written_is_found_in_a_text():
    written = media_token("audio/wav", "AbC-_123", "bytes")
    [found] = tokens_in(f'{{"data":"{written}"}}')
    assert found == (written, "audio/wav", "AbC-_123", "bytes")


def test_a_type_with_an_escaped_slash_is_that_type_and_what_is_cut_off_is_no_token():
    [found] = tokens_in(r"@@@langfuseMedia:type=image\/png|id=a|source=file@@@ @@@langfuseMedia:type=image/png|id=")
    assert found.content_type == "image/png"
    assert list(tokens_in(None)) == []
