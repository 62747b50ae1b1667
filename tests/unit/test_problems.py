"""`presign.problems`: the sentence of a problem says what is wrong and where."""

from __future__ import annotations

import pytest

from presign.problems import (
    AccessDenied,
    FieldError,
    InvalidJson,
    InvalidRequest,
    LimitExceeded,
    PayloadTooLarge,
    Problem,
    logged_problem,
)

TOO_LONG = FieldError("/expires_in", "must be at most 604800")


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (InvalidRequest([TOO_LONG]), "The request is not valid: /expires_in must be at most 604800."),
        (
            InvalidRequest([TOO_LONG, FieldError("/key", "is required"), FieldError("/a", "is not a field")]),
            "The request is not valid: /expires_in must be at most 604800 (2 more in errors).",
        ),
        (
            InvalidRequest([FieldError("", "must be a JSON object")]),
            "The request is not valid: the body must be a JSON object.",
        ),
        (LimitExceeded([TOO_LONG]), "The request exceeds a limit of the policy: /expires_in must be at most 604800."),
        (InvalidJson([FieldError("", "is empty")]), "The body is not valid JSON: the body is empty."),
        (
            InvalidRequest([FieldError("/Key", "is not a field of a request; did you mean key?")]),
            "The request is not valid: /Key is not a field of a request; did you mean key?",
        ),
        (PayloadTooLarge(detail="The body has 9 bytes; 8 are allowed"), "The body has 9 bytes; 8 are allowed."),
    ],
)
def test_the_first_error_in_words(problem: Problem, sentence: str) -> None:
    details = problem.details("01CALL")
    assert (details.detail, details.message) == (sentence, sentence)


def test_the_place_within_a_batch() -> None:
    details = InvalidRequest([TOO_LONG]).details("01CALL", at="/requests/3")
    assert details.detail == "The request is not valid: /requests/3/expires_in must be at most 604800."
    assert [error.pointer for error in details.errors] == ["/requests/3/expires_in"]


def test_errors_beyond_the_twenty_that_are_listed_are_counted() -> None:
    details = InvalidRequest([TOO_LONG] * 25).details("01CALL")
    assert len(details.errors) == 20
    assert details.detail.endswith("(20 or more others in errors).")


def test_a_long_pointer_is_cut_in_the_sentence_only() -> None:
    details = InvalidRequest([FieldError("/" + "x" * 300, "is not a field")]).details("01CALL")
    assert f"/{'x' * 199}… is not a field" in details.detail
    assert details.errors[0].pointer == "/" + "x" * 300


def test_the_title_is_the_same_in_every_python() -> None:
    """`http.HTTPStatus(413).phrase` is "Content Too Large" from Python 3.13 on."""
    assert PayloadTooLarge().details("01CALL").title == "Request Entity Too Large"


def test_one_that_was_logged_keeps_no_frames() -> None:
    """A call with a thousand refused items would keep all that their frames hold until the collector comes."""

    def refuse() -> None:
        try:
            raise ValueError
        except ValueError:
            raise AccessDenied(reason="no rule")  # noqa: B904 - as it is raised by chance

    with pytest.raises(AccessDenied) as caught:
        refuse()
    assert isinstance(caught.value.__context__, ValueError)
    problem = logged_problem(caught.value, "01CALL")
    assert problem is caught.value
    assert (problem.__traceback__, problem.__context__) == (None, None)
