"""Commands that are given something impossible say so, and do nothing."""

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.mark.parametrize(
    "wrong",
    [
        ["rebuild", "--service", "nobody"],
        ["compare", "--service", "nobody"],
        ["load", "--rate", "0"],
        ["load", "--seconds", "0"],
        ["chaos", "--seconds", "0"],
    ],
    ids=" ".join,
)
def test_an_impossible_value_is_named_and_nothing_is_started(wrong: list[str]) -> None:
    answer = CliRunner().invoke(app, wrong)

    assert (answer.exit_code, wrong[1] in answer.output) == (2, True)
