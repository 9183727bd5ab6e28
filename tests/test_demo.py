"""The demonstration's projects arrive like real ones, say what they are, and go without a trace."""

import time
from pathlib import Path

import pytest

from aiplat_jupyter import demo
from tests.lab import Lab


def listed(lab: Lab) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = lab.api("experiments?metrics=loss&limit=100")["items"]
    return rows


def wait_for_rows(lab: Lab, count: int) -> list[dict[str, object]]:
    deadline = time.monotonic() + 30
    while len(rows := listed(lab)) != count or any(row["status"] == "running" for row in rows):
        assert time.monotonic() < deadline, [(row["name"], row["status"]) for row in rows]
        time.sleep(0.2)
    return rows


def test_a_server_that_starts_later_adopts_it_and_removing_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path, "jupyter_server")
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(lab.data_dir))
    seeded = demo.seed()
    assert demo.seed() == 0, "a second time adds nothing"
    with lab:
        own = lab.api("experiments", "POST", {"project": "mine", "name": "mine", "tags": ["demo"]})
        lab.api(f"experiments/{own['uid']}", "PATCH", {"status": "finished"})
        rows = wait_for_rows(lab, seeded + 1)
        demonstration = [row for row in rows if row["uid"] != own["uid"]]
        assert {row["status"] for row in demonstration} == {"finished", "failed", "interrupted"}
        assert all(row["tags"] == ["demo"] and "demo" in str(row["project_name"]) for row in demonstration)
        assert demo.remove() == seeded
        assert [row["uid"] for row in listed(lab)] == [own["uid"]]
        assert [project["name"] for project in lab.api("projects")["items"]] == ["mine"]
        assert demo.seed() == seeded, "after a removal it can be had again"
        wait_for_rows(lab, seeded + 1)
