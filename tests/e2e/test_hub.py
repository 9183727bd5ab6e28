"""Two people of a real JupyterHub, behind its proxy, with one database."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.pages import LabPage, NotebookPage, wait_for
from tests.hub import Hub, PersonalServer
from tests.lab import write_notebook

LOG = """\
import aiplat_jupyter as aiplat
with aiplat.init(project="digits", name="mlp") as exp:
    exp.log({"loss": 0.5})
wait = "for _ in $(seq 600); do [ -e over ] && exit; sleep 0.2; done"
task = aiplat.submit(["sh", "-c", wait], project="digits", name="outlives")
print("logged", exp.url)"""
COMMAND = {"project": "theirs", "kind": "command", "command": ["id"]}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path) as hub:
        yield hub


@pytest.mark.timeout(240)
def test_two_people_of_a_hub(hub: Hub, context: BrowserContext, page: Page) -> None:
    ada, bob = hub.server_of("ada"), hub.server_of("bob")
    shell = log_and_look(ada, page)
    keep_out(ada, bob, context)
    outlive_the_server(ada, shell, context)
    assert "/journals/" not in hub.log(), "no line for each time that a run is shipped"


def log_and_look(ada: PersonalServer, page: Page) -> LabPage:
    """A notebook logs as its person, and the sidebar shows it."""
    write_notebook(ada.root / "run.ipynb", LOG)
    ada.sign_in(page)
    shell = LabPage(page, ada)
    shell.notebook("run.ipynb").run(0)
    output = NotebookPage(page).panel.locator(".jp-OutputArea-output", has_text="logged")
    expect(output).to_contain_text(f"logged {ada.url}/lab?aiplat-experiment=")
    shell.sidebar.show()
    shell.sidebar.expand(shell.sidebar.row("digits").first)
    expect(shell.sidebar.row("mlp").first).to_be_visible()
    return shell


def keep_out(ada: PersonalServer, bob: PersonalServer, context: BrowserContext) -> None:
    """The database knows the tokens of both; each server takes that of its own person, who sees what is theirs."""
    browser = context.browser
    assert browser is not None
    with browser.new_context() as other:
        bob.sign_in(other.new_page())
    assert ada.ask("server", ada.secret())[1]["user"]["username"] == "ada"
    assert bob.ask("projects", bob.secret()) == (200, {"items": []})
    for path, body in (("projects", None), ("tasks", COMMAND)):
        status, problem = ada.ask(path, bob.secret(), body)
        assert (status, problem["code"], problem["detail"]) == (403, "forbidden", "This is the server of ada.")


def outlive_the_server(ada: PersonalServer, shell: LabPage, context: BrowserContext) -> None:
    """A page sees soon that the hub has stopped its server, and goes on when it is back; so does a task."""
    hubs = context.new_page()
    ada.stop(hubs)
    expect(shell.sidebar.tree).to_have_attribute("data-link", re.compile("stale|unreachable"), timeout=15_000)
    ada.start(hubs)
    expect(shell.sidebar.tree).to_have_attribute("data-link", "connected")
    assert state(ada, "outlives") == "running"
    (ada.root / "over").touch()
    wait_for(lambda: state(ada, "outlives") == "succeeded", "the task's end")


def state(person: PersonalServer, name: str) -> str:
    """Return the state of the person's task with this name."""
    [task] = [one for one in person.ask("tasks", person.secret())[1]["items"] if one["name"] == name]
    return str(task["state"])
