"""The public names exist, and cost nothing until they are used."""

import pytest

import aiplat_jupyter


@pytest.mark.parametrize("name", aiplat_jupyter.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(aiplat_jupyter, name).__name__ == name
    assert name in dir(aiplat_jupyter)


def test_others_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        aiplat_jupyter.nothing  # noqa: B018  # looking it up is the test
