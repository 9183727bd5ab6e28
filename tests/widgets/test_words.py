"""Every string of a panel exists in both languages."""

import re
import string
from pathlib import Path
from typing import get_args

import pytest

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.gpu import Absence, GpuStatus, MonitorState
from aiplat_jupyter.core.states import EXPERIMENT
from aiplat_jupyter.widgets import gpumonitor, gpurows, gpuseries, tasklist, words
from aiplat_jupyter.widgets.looks import AXES, KNOBS, Look, controls
from aiplat_jupyter.widgets.projectlist import SORTS
from aiplat_jupyter.widgets.status import word

FOLDER = Path(words.__file__).parent
SAID = re.compile(r"""\bsay\(\s*"(\w+)\"""")
KEYED = re.compile(r""""(?:key|hint)": "(\w+)\"""")


def test_the_languages_have_the_same_keys() -> None:
    assert words.EN.keys() == words.ZH.keys()


@pytest.mark.parametrize("key", words.EN)
def test_a_text_has_the_same_places_in_both(key: str) -> None:
    places = [
        {name for _, name, _, _ in string.Formatter().parse(table[key]) if name} for table in (words.EN, words.ZH)
    ]
    assert places[0] == places[1]


def used() -> set[str]:
    said = {key for path in (FOLDER / "static").glob("*.mjs") for key in SAID.findall(path.read_text("utf-8"))}
    keyed = {key for path in FOLDER.glob("*.py") for key in KEYED.findall(path.read_text("utf-8"))}
    states = {word(status) for status in EXPERIMENT}
    labels = {control["label"] for control in controls(Look())} - {""}
    axes = {axis.removeprefix("metric:") for axis in AXES}
    return (
        said
        | keyed
        | states
        | labels
        | axes
        | gpus()
        | {f"alert_{preset}" for preset in PRESETS}
        | set(KNOBS)
        | set(SORTS)
        | set(tasklist.SORTS)
    )


def gpus() -> set[str]:
    """Return the keys that are made of a reading, a reason or a state."""
    axes = {f"gpu_axis_{metric}" for metric in (*gpuseries.GPU, *gpuseries.HOST)}
    slow = {f"gpu_slow_{why}" for why in gpurows.LIMITS}
    hints = {f"{word}_hint" for word in {*slow, "gpu_xid", "gpu_ecc"}}
    reasons = {f"gpu_{reason}" for reason in get_args(Absence)} - {"gpu_"}
    heads = {f"gpu_{n}{driver}" for n in ("one", "some") for driver in ("", "_driver")}
    return axes | slow | hints | reasons | heads | set(gpumonitor.SPANS)


def test_each_state_of_the_monitor_has_words() -> None:
    for state in get_args(MonitorState):
        status = GpuStatus(
            state=state, agent="a", host="box", username="ada", at=0.0, interval=1.0, total=2, devices=[]
        )  # fmt: skip
        assert gpurows.head(status)["word"] in words.EN


def test_every_used_key_exists() -> None:
    assert used() - words.EN.keys() == set()


def test_every_key_is_used() -> None:
    source = "".join(path.read_text("utf-8") for path in [*FOLDER.glob("*.py"), *(FOLDER / "static").glob("*.mjs")])
    named = set(re.findall(r"""["'](\w+)["']""", source.replace(Path(words.__file__).read_text("utf-8"), "")))
    hints = {f"{key}_hint" for key in named}
    assert words.EN.keys() - used() - named - hints == set()


def test_states_are_called_as_everywhere() -> None:
    for status, state in EXPERIMENT.items():
        assert (words.EN[word(status)], words.ZH[word(status)]) == (state.en, state.zh)


@pytest.mark.parametrize(
    ("asked", "lang", "chosen", "said"),
    [
        ("", "en_US.UTF-8", "", "log"),
        ("zh_CN", "C", "zh", "对数"),
        ("", "zh_CN.UTF-8", "", "对数"),
        ("en", "zh_CN", "en", "log"),
    ],
)
def test_who_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, asked: str, lang: str, chosen: str, said: str
) -> None:
    monkeypatch.setenv("AIPLAT_LANG", asked)
    monkeypatch.setenv("LANG", lang)
    assert words.for_browser()["language"] == chosen
    assert words.say("log") == said


def test_default_rules_are_called_as_everywhere() -> None:
    for name, preset in PRESETS.items():
        assert words.EN[f"alert_{name}"] == preset.title
