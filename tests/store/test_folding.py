from sqlalchemy import event, text

from aiplat_jupyter.store import folding, metrics
from aiplat_jupyter.store.database import Database
from tests.store.points import batch, experiment


def test_the_segments_to_merge_are_found_by_their_index(sqlite_url):
    database = Database.open(sqlite_url)
    attempt = database.write_now(experiment)
    asked: list[tuple[str, tuple]] = []

    def fold(tx):
        metrics.append(tx, attempt, [batch(["loss"], [1], [1])])
        event.listen(tx, "before_cursor_execute", lambda c, cursor, sql, values, *_: asked.append((sql, values)))
        folding.fold(tx, attempt)

    database.write_now(fold)
    plans = [
        database.read_now(lambda tx, one=one: tx.exec_driver_sql("EXPLAIN QUERY PLAN " + one[0], one[1]).all())
        for one in asked
        if "segments.points" in one[0] and one[0].startswith("SELECT")
    ]
    assert len(plans) == 1
    assert "segments_still_open" in str(plans[0])
    assert database.read_now(lambda tx: tx.execute(text("SELECT count(*) FROM segments WHERE open")).scalar_one()) == 1
    database.close()
