"""Other ways in: Notebook 7, a password, no token at all, Chinese, and names that would like to be markup."""

from pathlib import Path

import pytest
from jupyter_server.auth import passwd
from playwright.sync_api import Page, expect

from tests.e2e.pages import LabPage, NotebookPage, Sidebar
from tests.lab import Lab

RUN = """\
import aiplat_jupyter as aiplat
with aiplat.init(project="doors", name={name!r}) as exp:
    for step in range(300):
        exp.log({{"loss": 10 / (step + 1)}}, step=step)
exp"""
HOSTILE = "<img src=x onerror='window.hacked = 1'> 损失 🚀"


def log_and_look(shell: LabPage, name: str) -> NotebookPage:
    """Run a cell that logs, and see the curve under it and the experiment in the sidebar."""
    notebook = shell.notebook("run.ipynb")
    shell.sidebar.show()
    notebook.run(0)
    notebook.curve().wait_until_drawn()
    notebook.wait_until_idle()
    shell.sidebar.expand(shell.sidebar.row("doors").first)
    expect(shell.sidebar.row(name).get_by_role("img").first).to_have_attribute("data-status", "finished")
    return notebook


def test_a_password(tmp_path: Path, page: Page) -> None:
    hashed = passwd("open sesame")
    with Lab(tmp_path, token="", options=(f"--PasswordIdentityProvider.hashed_password={hashed}",)) as lab:
        lab.write_notebook("run.ipynb", RUN.format(name="mlp"))
        page.goto(f"{lab.url}/lab")
        page.get_by_role("textbox", name="Password").fill("open sesame")
        page.get_by_role("button", name="Log in").click()
        log_and_look(LabPage(page, lab), "mlp")


def test_no_token(tmp_path: Path, page: Page) -> None:
    with Lab(tmp_path, token="") as lab:
        lab.write_notebook("run.ipynb", RUN.format(name="mlp"))
        log_and_look(LabPage(page, lab), "mlp")


EVERYWHERE = f"""\
import aiplat_jupyter as aiplat
def of(what): return what + {HOSTILE!r}
exp = aiplat.init(
    project=of("project"), name=of("name"), config={{of("key"): of("value"), "nested": {{of("inner"): [of("item")]}}}},
    tags=[of("tag")], notes=of("notes"), base_model=of("model"), task_type=of("task"),
)
exp.summary[of("result")] = of("best")
for step in range(300):
    exp.log({{of("metric"): 10 / (step + 1), of("group") + "/" + of("other"): 1.0}}, step=step)
exp.finish("failed", cause=of("cause"))"""
SHOWN = ("name", "tag", "notes", "key", "value", "inner", "item", "model", "task", "result", "best", "metric", "cause")


@pytest.mark.timeout(180)
def test_text_is_never_markup(lab: Lab, page: Page) -> None:
    """Every string of a run, in the panels, the sidebar and the page."""
    lab.write_notebook(
        "run.ipynb",
        EVERYWHERE,
        'aiplat.LossCurve(exp, metric=[of("metric"), of("group") + "/" + of("other")])',
        "aiplat.ProjectList()",
    )
    shell = LabPage(page, lab)
    notebook = shell.notebook("run.ipynb")
    shell.sidebar.show()
    for cell in range(2):
        notebook.run(cell)
        notebook.wait_until_idle()
    notebook.curve().wait_until_drawn()
    notebook.run(2)
    expect(notebook.panel.get_by_text(f"project{HOSTILE}").first).to_be_visible()
    shell.sidebar.expand(shell.sidebar.row(f"project{HOSTILE}").first)
    shell.sidebar.row(f"name{HOSTILE}").first.hover()
    shell.sidebar.row(f"name{HOSTILE}").first.dblclick()
    shown = page.locator(".aiplat-PageWidget:visible")
    expect(shown.get_by_text(f"name{HOSTILE}").first).to_be_visible()
    for what in SHOWN:
        expect(shown).to_contain_text(f"{what}{HOSTILE}")
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_chinese(lab: Lab, page: Page, pictures: Path) -> None:
    lab.set("@jupyterlab/translation-extension/plugin", {"locale": "zh_CN"})
    lab.write_notebook("run.ipynb", RUN.format(name="mlp"))
    shell = LabPage(page, lab)
    notebook = log_and_look(shell, "mlp")
    expect(shell.sidebar.section("项目")).to_be_visible()
    expect(shell.sidebar.row("mlp").get_by_role("img", name="已完成").first).to_be_visible()
    assert "已完成" in notebook.curve().status()
    page.screenshot(path=pictures / "chinese.png")


@pytest.mark.timeout(120)
def test_notebook_7(tmp_path: Path, page: Page, pictures: Path) -> None:
    with Lab(tmp_path, "notebook") as lab:
        lab.write_notebook("run.ipynb", RUN.format(name="mlp"))
        page.goto(f"{lab.url}/notebooks/run.ipynb?token={lab.token}")
        notebook = NotebookPage(page)
        notebook.wait_until_idle()
        notebook.run(0)
        notebook.curve().wait_until_drawn()
        page.screenshot(path=pictures / "notebook7.png")
        page.get_by_role("menubar").get_by_text("View", exact=True).click()
        page.locator(".lm-Menu-itemLabel", has_text="Left Sidebar").hover()
        page.locator(".lm-Menu-itemLabel", has_text="AI Platform").click()
        sidebar = Sidebar(page)
        sidebar.expand(sidebar.row("doors").first)
        sidebar.row("mlp").first.dblclick()
        expect(page.locator(".aiplat-PageWidget").get_by_role("heading", name="mlp")).to_be_visible()
