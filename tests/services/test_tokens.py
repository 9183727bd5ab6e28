import time

import pytest

from aiplat_jupyter.core.errors import Forbidden, InvalidInput, NotFound
from aiplat_jupyter.core.records import Identity, NewToken
from tests.services.house import House
from tests.services.people import ADA, ADMIN, BOB, READER


def test_a_secret_stands_for_its_owner_until_revoked(house: House):
    minted = house.tokens.mint(ADA, NewToken(name="laptop"))
    assert minted.secret.startswith("aip_")
    assert len(minted.secret) > 40
    assert house.tokens.identify(minted.secret) == Identity(username="ada", scopes=frozenset({"read", "write"}))
    for wrong in ("", "aip_", minted.secret[:-1], minted.secret + "x", minted.token.uid, "aip_é"):
        assert house.tokens.identify(wrong) is None
    house.tokens.revoke(ADA, minted.token.uid)
    assert house.tokens.identify(minted.secret) is None
    with pytest.raises(NotFound):
        house.tokens.revoke(ADA, minted.token.uid)


def test_secrets_are_not_in_the_database(house: House):
    secret = house.tokens.mint(ADA, NewToken(name="laptop")).secret
    rows = house.database.read_now(lambda tx: tx.exec_driver_sql("SELECT * FROM tokens").all())
    assert secret not in str(rows)
    assert secret[4:] not in str(rows)


def test_tokens_expire(house: House, monkeypatch: pytest.MonkeyPatch):
    secret = house.tokens.mint(ADA, NewToken(name="short", expires_in=60)).secret
    assert house.tokens.identify(secret)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert house.tokens.identify(secret) is None


@pytest.mark.parametrize("expires_in", [0, -1, float("nan"), float("inf"), 1e11])
def test_expiry_must_make_sense(house: House, expires_in: float):
    with pytest.raises(InvalidInput):
        house.tokens.mint(ADA, NewToken(name="x", expires_in=expires_in))


def test_nobody_gives_away_more_than_they_have(house: House):
    with pytest.raises(Forbidden):
        house.tokens.mint(READER, NewToken(name="x", scopes=["read"]))
    writer = Identity(username="ada", scopes=frozenset({"read", "write"}))
    with pytest.raises(Forbidden, match="admin"):
        house.tokens.mint(writer, NewToken(name="x", scopes=["admin"]))
    assert not house.tokens.identify(house.tokens.mint(writer, NewToken(name="x")).secret).is_admin


def test_an_administrators_token_administers_only_with_the_scope(house: House):
    house.users.seen(ADMIN)
    assert not house.tokens.identify(house.tokens.mint(ADMIN, NewToken(name="x")).secret).is_admin
    full = house.tokens.mint(ADMIN, NewToken(name="x", scopes=["read", "write", "admin"]))
    assert house.tokens.identify(full.secret).is_admin
    house.users.seen(Identity(username="root", is_admin=False))
    assert not house.tokens.identify(full.secret).is_admin


def test_everyone_sees_their_own(house: House):
    first = house.tokens.mint(ADA, NewToken(name="first")).token
    second = house.tokens.mint(ADA, NewToken(name="second", scopes=["read"])).token
    assert house.tokens.list(ADA) == [second, first]
    assert house.tokens.list(BOB) == []
    with pytest.raises(NotFound):
        house.tokens.revoke(BOB, first.uid)


def test_use_is_noted_about_once_a_minute(house: House):
    minted = house.tokens.mint(ADA, NewToken(name="laptop"))
    house.tokens.identify(minted.secret)
    house.database.write_now(lambda tx: None)
    used = house.tokens.list(ADA)[0].last_used_at
    assert used is not None
    assert used >= minted.token.created_at
    house.tokens.identify(minted.secret)
    house.database.write_now(lambda tx: None)
    assert house.tokens.list(ADA)[0].last_used_at == used
