"""What the documentation says is so: links lead somewhere, code runs, nothing is left out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aiplat_jupyter.server.app import AiplatApp
from tests.lab import Lab

ROOT = Path(__file__).parents[1]
LISTED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
TRACKED = [ROOT / name for name in LISTED.split("\0") if name and (ROOT / name).is_file()]
PAGES = [path for path in TRACKED if path.suffix == ".md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors that headings get: lower case, punctuation dropped, spaces as dashes."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=name)
def test_figures_say_how_they_were_measured(path: Path) -> None:
    assert f"`python -m benchmarks.{path.stem}`" in (ROOT / "docs" / "performance.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_code_in_the_readme_runs(page: str, tmp_path: Path) -> None:
    (code,) = [text for language, text in FENCE.findall((ROOT / page).read_text()) if language == "python"]
    with Lab(tmp_path, "jupyter_server") as lab:
        assert lab.api("server"), "the platform has started, so that the script finds it"
        done = subprocess.run(
            [sys.executable, "-c", code], env=lab.environment(), capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stderr
        (row,) = lab.api("experiments?metrics=loss")["items"]
    assert "299" in done.stdout
    assert (row["status"], row["metrics"][0]["count"]) == ("finished", 300)


def outline(page: Path) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", FENCE.sub("", page.read_text()), re.MULTILINE)]


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("README.md", "README.zh.md"),
        *(
            (f"docs/users/{page}.md", f"docs/users/zh/{page}.md")
            for page in ("index", "tour", "client", "panels", "tasks", "gpus", "alerts")
        ),
    ],
)
def test_both_languages_tell_the_same(english: str, chinese: str) -> None:
    here, there = ROOT / english, ROOT / chinese
    assert outline(here) == outline(there)

    def code(page: Path) -> list[str]:
        fences = [text for _, text in FENCE.findall(page.read_text())]
        return [re.sub(r" *#.*", "", fence) for fence in fences]

    assert code(here) == code(there)


@pytest.mark.parametrize("guide", ["docs/users/index.md", "docs/users/zh/index.md"])
def test_every_command_is_documented(guide: str) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "aiplat_jupyter.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"^    (\w+) ", listed, re.MULTILINE)
    assert len(commands) >= 4, listed
    for command in commands:
        assert f"`aiplat {command}`" in (ROOT / guide).read_text(), command


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "operators" / "index.md").read_text()
    for trait in AiplatApp.class_own_traits(config=True):
        assert f"`AiplatApp.{trait}`" in page, trait


def test_every_variable_of_the_environment_is_documented() -> None:
    page = (ROOT / "docs" / "operators" / "index.md").read_text()
    for path in (ROOT / "aiplat_jupyter").rglob("*.py"):
        for variable in re.findall(r"\bAIPLAT_[A-Z_]+\b", path.read_text()):
            assert f"`{variable}`" in page, f"{path.name}: {variable}"


FOREIGN = {
    "a registry's host": r"registry\.(?:npmjs|yarnpkg)|pythonhosted|//pypi\.",
    "a path of one machine": r"(?<![\w.])/(?:work/(?:main|shared)|root/\.|tmp/\w+/)",
}


@pytest.mark.parametrize("path", [path for path in TRACKED if path != Path(__file__)], ids=name)
def test_no_file_names_a_registry_or_a_machine(path: Path) -> None:
    if path.suffix in {".png", ".ico"}:
        return
    for what, pattern in FOREIGN.items():
        found = re.search(pattern, path.read_text())
        assert not found, f"{what}: {found and found.group()}"
