import pytest

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.store import filters


@pytest.mark.parametrize(
    ("q", "column", "fix"),
    [
        ('loss "unclosed', 6, "Close"),
        ("config.lr<", 1, "0.1"),
        ("ok config.lr<abc", 4, "config.lr<0.1"),
        ("status:sleeping", 1, "running"),
        ("a  colour:red", 4, "quotes"),
        ("tag<3", 1, "tag:value"),
        ("created>yesterday", 1, "2026-01-31"),
        ("metric.loss=low", 1, "0.1"),
        ("metric:x", 1, "metric.<name>"),
        ("config:x", 1, "config.<key>"),
        (" ".join(["word"] * 31), 151, "30"),
    ],
)
def test_mistakes_name_the_column_and_the_fix(q: str, column: int, fix: str):
    with pytest.raises(InvalidInput, match=f"^Column {column} of the search") as caught:
        filters.conditions(ExperimentQuery(q=q), "sqlite")
    assert fix in caught.value.fields["q"]


def test_a_search_has_a_greatest_length():
    with pytest.raises(InvalidInput):
        filters.conditions(ExperimentQuery(q="x" * 2001), "sqlite")


def test_lists_of_values_have_a_greatest_length():
    with pytest.raises(InvalidInput) as caught:
        filters.conditions(ExperimentQuery(tag=["x"] * 101, metrics=["m"] * 101), "sqlite")
    assert caught.value.fields.keys() == {"tag", "metrics"}


def test_terms():
    found = [(term.field, term.op, term.value) for term in filters.parse(r' a<b  "two \"words\"" x.y:"v w" =  <3')]
    assert found == [("a", "<", "b"), ("", "", 'two "words"'), ("x.y", ":", "v w"), ("", "", "="), ("", "", "<3")]


def test_flattened():
    config = {"a": {"b": {"c": 1}}, "a.b": {"c": 2}, "l": [1, {"x": 2}], "t": True, "n": None, "s": "x\x00" * 600}
    config |= {"e": {}, "nan": float("nan"), "inf": float("inf"), "k" * 501: 1, "": 5}
    flat = filters.flattened(config)
    assert flat.pop("s") == (None, "x" * 500)
    assert flat == {
        "a.b.c": (2.0, "2"),
        "l": (None, '[1,{"x":2}]'),
        "t": (None, "true"),
        "n": (None, "null"),
        "nan": (None, "null"),
        "inf": (None, "null"),
        "": (5.0, "5"),
    }
    assert len(filters.flattened({str(number): number for number in range(3000)})) == 2000
