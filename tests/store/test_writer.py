"""Changes that share a transaction: each is whole, or fails alone."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from aiplat_jupyter.core.errors import Conflict, Unavailable
from aiplat_jupyter.store import engines
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import UserRow
from aiplat_jupyter.store.writer import PATIENCE, Writer


class Desk:
    """A writer whose transactions are counted, and which can be held up so that changes wait."""

    def __init__(self, url: str) -> None:
        self.database = Database.open(url)
        self.transactions = 0
        self.engine = engines.engine(engines.target(url), "write")
        self.writer = Writer(self.engine, self._count)

    def _count(self) -> None:
        self.transactions += 1

    def together(self, *changes: Callable[[Connection], Any]) -> list[Future[Any]]:
        """Submit `changes` while another one runs, and wait for all."""
        go = threading.Event()
        first = self.writer.submit(lambda _: go.wait(10))
        while not first.running():
            time.sleep(0.001)
        futures = [self.writer.submit(change) for change in changes]
        go.set()
        for future in futures:
            future.exception(10)
        return futures

    def names(self) -> list[str]:
        """Return who is in the database."""
        asked = select(UserRow.username).order_by(UserRow.username)
        return self.database.read_now(lambda tx: list(tx.execute(asked).scalars()))

    def close(self) -> None:
        self.writer.close()
        self.engine.dispose()
        self.database.close()


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    made = Desk(url)
    yield made
    made.close()


def add(name: str) -> Callable[[Connection], str]:
    def change(tx: Connection) -> str:
        tx.execute(insert(UserRow), {"username": name, "created_at": 0.0})
        return name

    return change


def refused(tx: Connection) -> None:
    add("refused")(tx)
    raise Conflict("no")


def given_up(tx: Connection) -> None:
    """Do as SQLite does where a full disk makes it give up the transaction."""
    add("lost")(tx)
    tx.exec_driver_sql("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


def test_what_waits_shares_a_transaction(desk: Desk):
    futures = desk.together(*map(add, "abcde"))
    assert [future.result() for future in futures] == list("abcde")
    assert (desk.transactions, desk.names()) == (2, list("abcde"))


def test_a_change_that_is_refused_fails_alone(desk: Desk):
    first, second, third = desk.together(add("a"), refused, add("b"))
    assert (first.result(), third.result()) == ("a", "b")
    assert isinstance(second.exception(), Conflict)
    assert (desk.transactions, desk.names()) == (2, ["a", "b"])


def test_a_change_that_the_engine_refuses_fails_alone(desk: Desk):
    first, second, third = desk.together(add("a"), add("a"), add("b"))
    assert (first.result(), third.result()) == ("a", "b")
    assert isinstance(second.exception(), IntegrityError)
    assert desk.names() == ["a", "b"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_change_that_fills_the_disk_fails_alone(desk: Desk):
    def limit(tx: Connection) -> None:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    desk.writer.submit(limit).result(10)
    first, second, third = desk.together(add("a"), add("b" * 100_000), add("c"))
    assert (first.result(), third.result()) == ("a", "c")
    assert isinstance(second.exception(), Unavailable)
    assert desk.names() == ["a", "c"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_transaction_that_is_given_up_is_done_again_one_by_one(desk: Desk):
    first, second, third = desk.together(add("a"), given_up, add("b"))
    assert (first.result(), third.result()) == ("a", "b")
    assert isinstance(second.exception(), sqlite3.OperationalError)
    assert desk.names() == ["a", "b"]


def test_patient_changes_wait_for_each_other_but_not_behind_an_urgent_one(desk: Desk):
    desk.writer.submit(add("a"), patient=True).result()
    began = time.monotonic()
    patient = [desk.writer.submit(add(name), patient=True) for name in "bc"]
    assert [future.result(10) for future in patient] == ["b", "c"]
    assert time.monotonic() - began > PATIENCE / 2
    assert desk.transactions == 2
    waiting = desk.writer.submit(add("d"), patient=True)
    assert not waiting.done()
    desk.writer.submit(add("e")).result(10)
    assert waiting.result(10) == "d"
    assert (desk.transactions, desk.names()) == (3, list("abcde"))


def test_a_patient_change_that_follows_no_other_is_done_at_once(desk: Desk):
    desk.writer.submit(add("urgent")).result(10)
    began = time.monotonic()
    desk.writer.submit(add("a"), patient=True).result(10)
    assert time.monotonic() - began < PATIENCE


def test_closing_finishes_what_waits_and_refuses_more(desk: Desk):
    desk.writer.submit(add("a"), patient=True).result(10)
    waiting = desk.writer.submit(add("b"), patient=True)
    desk.writer.close()
    assert waiting.result(0) == "b"
    with pytest.raises(Unavailable):
        desk.writer.submit(add("c"))


def test_a_cancelled_change_is_not_done(desk: Desk):
    desk.writer.submit(add("a"), patient=True).result()
    waiting = desk.writer.submit(add("b"), patient=True)
    assert waiting.cancel()
    desk.writer.submit(add("c")).result()
    assert desk.names() == ["a", "c"]
