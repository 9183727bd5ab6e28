import pytest

from aiplat_jupyter.core.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import Bulk, NewExperiment, NewMember, NewProject, ProjectPatch
from tests.services import frames
from tests.services.house import House
from tests.services.people import ADA, ADMIN, BOB, EVE, READER


def names(house: House, who=ADA, **query) -> list[str]:
    return [project.name for project in house.projects.list(who, ProjectQuery(**query)).items]


def test_create_is_idempotent_by_uid(house: House):
    made, is_new = house.projects.create(ADA, NewProject(name=" digits ", uid="p1", description="é"))
    assert (made.name, made.owner, made.role, made.status, is_new) == ("digits", "ada", "owner", "active", True)
    assert house.projects.create(ADA, NewProject(name="digits", uid="p1")) == (made, False)
    assert house.projects.get(ADA, "p1") == made
    with pytest.raises(Conflict, match="uid"):
        house.projects.create(BOB, NewProject(name="digits", uid="p1"))


def test_names_are_taken_per_owner_until_the_trash(house: House):
    house.projects.create(ADA, NewProject(name="digits", uid="p1"))
    house.projects.create(BOB, NewProject(name="digits"))
    with pytest.raises(Conflict, match="already"):
        house.projects.create(ADA, NewProject(name="digits"))
    house.projects.apply(ADA, "p1", "trash")
    second, _ = house.projects.create(ADA, NewProject(name="digits", uid="p2"))
    with pytest.raises(Conflict, match="already"):
        house.projects.apply(ADA, "p1", "restore")
    house.projects.update(ADA, "p1", ProjectPatch(name="digits (old)"))
    assert house.projects.apply(ADA, "p1", "restore").name == "digits (old)"
    with pytest.raises(Conflict, match="already"):
        house.projects.update(ADA, "p1", ProjectPatch(name="digits"))
    assert house.projects.update(ADA, second.uid, ProjectPatch(name="digits", description="same name")).description


def test_verbs_follow_the_table_and_may_be_repeated(house: House):
    house.projects.create(ADA, NewProject(name="digits", uid="p1"))
    assert house.projects.apply(ADA, "p1", "archive").status == "archived"
    assert house.projects.apply(ADA, "p1", "archive").status == "archived"
    assert names(house) == []
    assert names(house, status="archived") == ["digits"]
    assert house.projects.apply(ADA, "p1", "trash").status == "trashed"
    with pytest.raises(Conflict, match="trashed"):
        house.projects.apply(ADA, "p1", "archive")
    assert house.projects.apply(ADA, "p1", "restore").status == "active"


def test_purge_wants_trash_and_leaves_a_tombstone(house: House):
    house.journals.append(ADA, "j", 0, frames.run("j", range(5000)))
    [project] = house.projects.list(ADA, ProjectQuery()).items
    with pytest.raises(Conflict, match="trash"):
        house.projects.apply(ADA, project.uid, "purge")
    house.projects.apply(ADA, project.uid, "trash")
    assert house.projects.apply(ADA, project.uid, "purge").freed_bytes > 5000
    for ask in (house.projects.get, house.projects.members):
        with pytest.raises(Gone):
            ask(ADA, project.uid)
    with pytest.raises(Gone):
        house.projects.create(ADA, NewProject(name="again", uid=project.uid))
    with pytest.raises(Gone):
        house.experiments.get(ADA, "exp")
    with pytest.raises(Gone):
        house.journals.append(ADA, "j", 0, frames.run("j"))
    left = house.database.read_now(
        lambda tx: [
            tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("segments", "tails", "series", "attempts", "journals", "members")
        ]
    )
    assert left == [0] * 6


def test_roles(house: House):
    house.projects.create(ADA, NewProject(name="digits", uid="p1"))
    with pytest.raises(NotFound):
        house.projects.get(BOB, "p1")
    house.projects.set_member(ADA, "p1", "bob", NewMember(role="viewer"))
    assert house.projects.get(BOB, "p1").role == "viewer"
    with pytest.raises(Forbidden, match="owner"):
        house.projects.update(BOB, "p1", ProjectPatch(name="mine"))
    house.projects.set_member(ADA, "p1", "bob", NewMember(role="owner"))
    house.projects.remove_member(BOB, "p1", "ada")
    assert names(house, ADA) == []
    with pytest.raises(Conflict, match="owner"):
        house.projects.remove_member(BOB, "p1", "bob")
    with pytest.raises(Conflict, match="owner"):
        house.projects.set_member(BOB, "p1", "bob", NewMember(role="editor"))
    with pytest.raises(NotFound):
        house.projects.remove_member(BOB, "p1", "eve")
    assert [(member.username, member.role) for member in house.projects.members(BOB, "p1")] == [("bob", "owner")]
    assert house.projects.get(ADMIN, "p1").role == "owner"
    assert names(house, EVE) == []
    assert names(house, ADMIN) == ["digits"]


def test_a_token_that_reads_cannot_write(house: House):
    house.projects.create(ADA, NewProject(name="digits", uid="p1"))
    assert house.projects.get(READER, "p1").name == "digits"
    for write in (
        lambda: house.projects.create(READER, NewProject(name="x")),
        lambda: house.projects.update(READER, "p1", ProjectPatch(name="x")),
        lambda: house.projects.apply(READER, "p1", "trash"),
        lambda: house.projects.set_member(READER, "p1", "bob", NewMember(role="owner")),
    ):
        with pytest.raises(Forbidden, match="token"):
            write()


def test_pages_are_stable_under_inserts(house: House):
    for number in range(7):
        house.projects.create(ADA, NewProject(name=f"p{number}"))
    first = house.projects.list(ADA, ProjectQuery(sort="name", limit=3, count=True))
    house.projects.create(ADA, NewProject(name="a new one"))
    second = house.projects.list(ADA, ProjectQuery(sort="name", limit=3, cursor=first.next_cursor))
    third = house.projects.list(ADA, ProjectQuery(sort="name", limit=3, cursor=second.next_cursor))
    assert [page.name for part in (first, second, third) for page in part.items] == [
        f"p{number}" for number in range(7)
    ]
    assert (first.total, third.next_cursor) == (7, None)
    assert names(house, sort="-created")[0] == "a new one"
    for query in (
        ProjectQuery(sort="created", cursor=first.next_cursor),
        ProjectQuery(cursor="nonsense"),
        ProjectQuery(sort="colour"),
        ProjectQuery(limit=0),
        ProjectQuery(limit=201),
    ):
        with pytest.raises(InvalidInput):
            house.projects.list(ADA, query)


def test_search_matches_name_and_description(house: House):
    house.projects.create(ADA, NewProject(name="Digits 100%", description="handwritten"))
    house.projects.create(ADA, NewProject(name="letters_x"))
    assert names(house, q="digits HAND") == ["Digits 100%"]
    assert names(house, q="100%") == ["Digits 100%"]
    assert names(house, q="_") == ["letters_x"]
    assert names(house, q="digits letters") == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "x" * 1_000_000, "two\nlines", "nul\x00", "\ud800"])
def test_names_that_cannot_be_used(house: House, name: str):
    with pytest.raises(InvalidInput) as caught:
        house.projects.create(ADA, NewProject(name=name))
    assert caught.value.fields.keys() == {"name"}
    with pytest.raises(InvalidInput):
        house.experiments.create(ADA, NewExperiment(project=name or " "))
    assert names(house) == []


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "数字\u3000识别", "👩\u200d🔬 é", "a' OR 1=1 --", "%s {0}"]
)
def test_names_are_kept_as_they_are(house: House, name: str):
    made, _ = house.projects.create(ADA, NewProject(name=name))
    assert made.name == name
    assert names(house, q=name.split()[0]) == [name]


def test_bulk_tells_what_failed(house: House):
    for number in range(3):
        house.experiments.create(ADA, NewExperiment(project=f"p{number}", uid=f"e{number}"))
    uids = [project.uid for project in house.projects.list(ADA, ProjectQuery(sort="name")).items]
    house.projects.apply(ADA, uids[0], "trash")
    result = house.projects.bulk(ADA, Bulk(verb="archive", uids=[*uids, "unknown", uids[1]]))
    assert result.done == uids[1:]
    assert {uid: problem.code for uid, problem in result.failed.items()} == {
        uids[0]: "conflict",
        "unknown": "not_found",
    }
    purged = house.projects.bulk(ADA, Bulk(verb="purge", uids=uids))
    assert (purged.done, set(purged.failed)) == ([uids[0]], set(uids[1:]))
    with pytest.raises(InvalidInput):
        house.projects.bulk(ADA, Bulk(verb="trash", uids=["x"] * 1001))


def test_a_project_that_is_put_away_takes_its_experiments_from_the_list(house: House):
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e1"))
    [project] = house.projects.list(ADA, ProjectQuery()).items
    assert project.experiments == {"pending": 1}
    house.projects.apply(ADA, project.uid, "archive")
    assert house.experiments.list(ADA, ExperimentQuery()).items == []
    named = ExperimentQuery(project=[project.uid])
    assert [row.uid for row in house.experiments.list(ADA, named).items] == ["e1"]
