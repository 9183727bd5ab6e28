"""Bodies and query strings become records, or errors that name the field."""

import asyncio
import math
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiplat_jupyter.core.curves import AbandonedTail, Columns, Curve, CurveAnswer, CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import NewPoints, NewToken, SeriesSummary
from aiplat_jupyter.server.wire import JSON, MSGPACK, decode_body, decode_query, encode, encode_apart, format_of


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b'{"name": 1}', "name", "Expected `str`"),
        (b"{}", "name", "missing required"),
        (b'{"name": "a", "expires_in": "soon"}', "expires_in", "Expected `float | null`"),
        (b'{"name": "a", "scopes": ["read", "fly"]}', "scopes[1]", "Invalid enum value 'fly'"),
        (b'{"name": "a", "naem": "b"}', "naem", "unknown field"),
        (b"[]", "body", "Expected `object`"),
        (b"", "body", "truncated"),
        (b'{"name": "a"', "body", "truncated"),
        (b"\xff\xfe", "body", "malformed"),
        (b'{"name": "\xff"}', "body", ""),
        (b'{"name": "\\ud800"}', "body", ""),
        (b"[" * 100_000, "body", ""),
    ],
)
def test_a_bad_body_names_the_field(body: bytes, field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_body(NewToken, body, JSON)
    assert list(caught.value.fields) == [field]
    assert said in caught.value.fields[field]


def test_the_path_leads_into_lists_and_maps() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_body(NewPoints, b'{"step": [1, "x"], "values": {}}', JSON)
    assert list(caught.value.fields) == ["step[1]"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_invalid(body: bytes) -> None:
    for content_type in (JSON, MSGPACK):
        try:
            record = decode_body(NewPoints, body, content_type)
        except InvalidInput as error:
            record = error
        assert isinstance(record, NewPoints) or record.fields


def test_both_formats_carry_the_same() -> None:
    points = NewPoints(step=[1, 2], values={"损失": [0.5, None]})
    assert decode_body(NewPoints, encode(points, MSGPACK), f"{MSGPACK}; x=y") == points
    assert decode_body(NewPoints, encode(points, JSON), "application/json; charset=utf-8") == points
    assert decode_body(NewPoints, encode(points, JSON), "") == points


def test_what_is_no_number_is_null_in_json_and_itself_in_messagepack() -> None:
    values = [math.nan, math.inf, -math.inf, 1.5]
    assert encode(values, JSON) == b"[null,null,null,1.5]"
    assert msgspec.msgpack.decode(encode(values, MSGPACK))[1:] == values[1:]


def test_formats() -> None:
    assert [format_of(header) for header in ("", "*/*", "text/html", "application/json")] == [JSON] * 4
    assert format_of("application/x-msgpack") == format_of("application/msgpack, */*;q=0.5") == MSGPACK


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ("metrics=loss,acc", ["loss", "acc"]),
        ("metrics=loss&metrics=acc", ["loss", "acc"]),
        ("metrics=a%2Cb&metrics=c,d", ["a,b", "c", "d"]),
        ("metrics=a%2Cb", ["a,b"]),
        ("metrics=%E6%8D%9F+%E5%A4%B1", ["损 失"]),
        ("metrics=", []),
        ("metrics", []),
        ("", []),
    ],
)
def test_lists_repeat_or_have_commas(query: str, metrics: list[str]) -> None:
    assert decode_query(ExperimentQuery, query).metrics == metrics


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_any_name_survives_the_usual_encoding(names: list[str]) -> None:
    assert decode_query(ExperimentQuery, urlencode({"metrics": names}, doseq=True)).metrics == names


def test_texts_become_what_the_record_wants() -> None:
    query = decode_query(ExperimentQuery, "limit=7&count=true&created_after=1.5&q=")
    assert (query.limit, query.count, query.created_after, query.q) == (7, True, 1.5, "")


def test_jupyters_own_parameters_are_ignored() -> None:
    assert decode_query(ExperimentQuery, "token=x&no_track_activity=1") == ExperimentQuery()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("created_after=nan", "created_after"),
        ("created_after=inf", "created_after"),
        ("status=asleep", "status[0]"),
        ("colour=red", "colour"),
        ("q=%FF", "q"),
        ("%FF=1", "query"),
    ],
)
def test_a_bad_parameter_is_named(query: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_query(ExperimentQuery, query)
    assert list(caught.value.fields) == [field]


def test_what_is_required_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_query(CurveQuery, "metrics=loss")
    assert list(caught.value.fields) == ["experiments"]


@pytest.mark.parametrize("media_type", [JSON, MSGPACK])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_curves_are_encoded_in_parts_to_the_same_bytes(media_type: str, count: int) -> None:
    columns = Columns(x=[1.5], first_x=[1.0], mean=[math.nan], min=[0.1], max=[2.0], last=[math.inf], count=[2])
    curve = Curve(
        experiment="é<b>",
        metric="loss",
        columns=columns,
        shown=1,
        total=2,
        raw=False,
        summary=SeriesSummary(metric="loss", count=2),
        x_extent=(1.0, 1.5),
        abandoned=[AbandonedTail(attempt="a", columns=columns)],
    )
    answer = CurveAnswer(curves=[curve] * count, cursor="c")
    assert asyncio.run(encode_apart(answer, media_type)) == encode(answer, media_type)
