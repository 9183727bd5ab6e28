"""Identifiers that are found from facts."""

from aiplat_jupyter.core.ids import is_uid, uid_of


def test_the_same_facts_have_the_same_uid_and_each_part_counts() -> None:
    assert uid_of("a", 1) == uid_of("a", "1")
    assert is_uid(uid_of("a", 1))
    assert len({uid_of("a", "bc"), uid_of("ab", "c"), uid_of("a", "bc", "")}) == 3
