"""Curves: what is asked of the server, and what is drawn of the answer."""

import base64
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from aiplat_jupyter.client import session
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.widgets import picture, strip, words
from aiplat_jupyter.widgets.colours import GREY
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.losscurve import CURVE_MIME, MAX_DRAWN, LossCurve
from aiplat_jupyter.widgets.panel import VIEW_MIME
from aiplat_jupyter.widgets.projectlist import ProjectList
from tests.widgets.conftest import eventually, send
from tests.widgets.world import World


@pytest.fixture
def run(world: World) -> str:
    world.add("a", "mlp")
    world.log("a", "loss", [3.0, 2.0, 1.0])
    return "a"


def shown(panel: LossCurve) -> LossCurve:
    eventually(lambda: panel.overlay.notice is None or panel.overlay.notice["kind"] != "loading")
    return panel


def here(*, recordings: tuple[object, ...] | list[object] = (), watched: str = "") -> SimpleNamespace:
    """Return what this process logs, and of which experiment's machine it keeps readings."""
    system = SimpleNamespace(watches=lambda uid: uid == watched)
    return SimpleNamespace(recordings=list(recordings), followers=[], system=system)


def rows(panel: LossCurve, role: str = "line", curve: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y as they are drawn for a curve, without the padding at the end."""
    mark, row = panel.overlay.curves[curve][role]
    drawn = panel.overlay.parts["marks"][mark]
    x, y = np.atleast_2d(drawn.x)[row], np.atleast_2d(drawn.y)[row]
    return x[:-1], y[:-1]


# What it is about


def test_targets(world: World, source: Feed, run: str) -> None:
    class Experiment:
        uid = "a"

    frame = pd.DataFrame({"name": ["mlp"]}, index=pd.Index(["a"], name="uid"))
    for target in (Experiment(), "a", ["a"], [Experiment(), "a"], frame, frame.reset_index(), world.runs["a"].row()):
        assert shown(LossCurve(target, source=source)).experiments == ["a"]


@pytest.mark.parametrize("target", [7, None, pd.DataFrame({"name": ["mlp"]}), {"a": 1}])
def test_what_is_no_target_is_refused_at_once(source: Feed, target: object) -> None:
    with pytest.raises(TypeError, match="uid"):
        LossCurve(target, source=source)


def test_a_text_that_is_no_uid_is_a_query_that_goes_on_matching(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve("ml", source=source))
    assert panel.experiments == ["a"]
    world.add("b", "ml-2")
    world.log("b", "loss", [5.0])
    eventually(lambda: len(panel.overlay.curves) == 2)


def test_a_query_without_matches_waits_for_one(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve("config.lr<1", source=source))
    assert panel.overlay.notice["key"] == "nothing"
    world.add("b", "config.lr<1")
    world.log("b", "loss", [5.0])
    eventually(lambda: panel.overlay.notice is None)


def test_an_experiment_that_does_not_exist(world: World, source: Feed) -> None:
    panel = LossCurve(["nowhere"], source=source)
    eventually(lambda: panel.overlay.notice["kind"] == "error")
    assert "nowhere" in panel.overlay.notice["text"]
    eventually(lambda: panel.bar.status == {"kind": "idle"})


def test_an_experiment_on_its_way_to_the_server_is_no_error(
    world: World, source: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = SimpleNamespace(opened=SimpleNamespace(experiment="mine"))
    monkeypatch.setattr(session, "_current", here(recordings=[recording]))
    panel = shown(LossCurve(["mine"], source=source))
    assert panel.overlay.notice["kind"] == "empty"
    world.add("mine")
    world.log("mine", "loss", [1.0])
    eventually(lambda: panel.overlay.notice is None)


def test_a_selection_feeds_it(world: World, source: Feed, run: str) -> None:
    projects = ProjectList(source=source)
    panel = shown(LossCurve(projects, source=source))
    assert panel.overlay.notice["key"] == "nothing_selected"
    send(projects.children[0], kind="select", uids=["a"])
    eventually(lambda: panel.overlay.curves and panel.overlay.notice is None)
    assert projects.value == "a"
    projects.selected = ()
    eventually(lambda: panel.overlay.notice)


# What is drawn


def test_an_empty_experiment_says_so_and_fills(world: World, source: Feed) -> None:
    world.add("e")
    panel = shown(LossCurve("e", source=source))
    assert (panel.overlay.notice["kind"], panel.overlay.notice["values"]) == ("empty", {"metric": "loss"})
    world.log("e", "loss", [1.0])
    eventually(lambda: panel.overlay.notice is None)
    assert rows(panel)[1].tolist() == [1.0]


def test_raw_is_behind_smooth_and_only_then(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, smoothing="ema", weight=0.5, source=source))
    assert rows(panel, "raw")[1].tolist() == [3.0, 2.0, 1.0]
    assert rows(panel)[1][2] == pytest.approx((3 * 0.125 + 2 * 0.25 + 1 * 0.5) / 0.875)
    panel.change(smoothing="none")
    eventually(lambda: "raw" not in panel.overlay.curves[0])
    assert rows(panel)[1].tolist() == [3.0, 2.0, 1.0]


def test_a_band_where_buckets_hold_more_than_a_point(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, smoothing="none", source=source))
    assert "max" not in panel.overlay.curves[0]
    world.log(run, "loss", [math.sin(i) for i in range(5000)])
    eventually(lambda: "max" in panel.overlay.curves[0])
    assert (rows(panel, "max")[1] >= rows(panel)[1]).all()
    assert (rows(panel, "min")[1] <= rows(panel)[1]).all()
    assert panel.overlay.badge["shown"] < panel.overlay.badge["total"] == 5003
    panel.change(band=False)
    eventually(lambda: "max" not in panel.overlay.curves[0])


def test_nan_and_infinity_are_marked_and_counted(world: World, source: Feed, run: str) -> None:
    world.log(run, "loss", [math.nan, 0.5])
    panel = shown(LossCurve(run, smoothing="none", source=source))
    assert panel.overlay.curves[0]["odd"] == {"nan": [3.0]}
    assert panel.overlay.badge["nan"] == 1
    assert np.isnan(rows(panel)[1][3])


def test_only_nan_is_no_reason_to_fail(world: World, source: Feed) -> None:
    world.add("n")
    world.log("n", "loss", [math.nan, math.nan])
    panel = shown(LossCurve("n", source=source))
    assert panel.overlay.notice is None
    assert panel.overlay.curves[0]["line"] is None
    assert panel.overlay.curves[0]["odd"] == {"nan": [0.0, 1.0]}


def test_a_log_axis_leaves_out_what_it_cannot_show_and_says_how_many(world: World, source: Feed, run: str) -> None:
    world.log(run, "loss", [0.0, -1.0, 0.1])
    panel = shown(LossCurve(run, smoothing="none", y_log=True, source=source))
    assert (panel.overlay.badge["left_out"], panel.overlay.badge["exact"]) == (2, True)
    y = rows(panel)[1]
    assert y[0] == pytest.approx(math.log10(3))
    assert np.isnan(y[3:5]).all()


def test_abandoned_attempts_are_faint_and_dashed(world: World, source: Feed, run: str) -> None:
    world.runs[run].tails["loss"] = [(3.0, 9.0, 0.0), (4.0, 8.0, 0.0)]
    panel = shown(LossCurve(run, source=source))
    (dashed,) = (mark for mark in panel.overlay.parts["marks"] if mark.line_style == "dashed")
    assert dashed.opacities == [0.35]
    assert dashed.y[:2].tolist() == [9.0, 8.0]


def test_an_axis_that_was_not_logged_says_so(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    send(panel.bar, kind="set", name="x", value="metric:epoch")
    eventually(lambda: panel.overlay.notice)
    assert (panel.overlay.notice["key"], panel.overlay.notice["values"]) == ("no_x", {"metric": "epoch"})


def test_two_metrics_of_one_experiment_have_two_colours(world: World, source: Feed, run: str) -> None:
    world.log(run, "val_loss", [4.0, 3.0])
    panel = shown(LossCurve(run, metric=["loss", "val_loss"], source=source))
    assert [curve["name"] for curve in panel.overlay.curves] == ["loss", "val_loss"]
    assert len({curve["color"] for curve in panel.overlay.curves}) == 2


def test_names_tell_experiments_apart(world: World, source: Feed) -> None:
    for uid in ("xx01", "xx02", "xx03"):
        world.add(uid, "other" if uid == "xx03" else "same")
        world.log(uid, "loss", [1.0])
    panel = shown(LossCurve(["xx01", "xx02", "xx03"], source=source))
    assert [curve["name"] for curve in panel.overlay.curves] == ["same (xx01)", "same (xx02)", "other"]


def test_beyond_sixteen_all_are_grey_but_the_best_and_the_chosen(world: World, source: Feed) -> None:
    uids = [f"r{i:02}" for i in range(20)]
    for i, uid in enumerate(uids):
        world.add(uid)
        world.log(uid, "loss", [10.0 - i if i < 7 else 10.0 + i])
    panel = shown(LossCurve(uids, source=source))

    def coloured() -> list[str]:
        return [curve["name"] for curve in panel.overlay.curves if curve["color"] != GREY or curve["end"]]

    assert coloured() == ["r06"]
    send(panel.overlay, kind="hover", key=panel.overlay.curves[3]["key"])
    eventually(lambda: coloured() == ["r03", "r06"])
    send(panel.overlay, kind="hover", key=None)
    send(panel.overlay, kind="keep", key=panel.overlay.curves[9]["key"])
    eventually(lambda: coloured() == ["r06", "r09"])


def test_the_legend_hides_curves(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    key = panel.overlay.curves[0]["key"]
    send(panel.overlay, kind="toggle", key=key)
    eventually(lambda: panel.overlay.curves[0]["hidden"])
    assert "line" not in panel.overlay.curves[0]
    send(panel.overlay, kind="toggle", key=key)
    eventually(lambda: not panel.overlay.curves[0]["hidden"])


def test_the_legend_shows_one_curve_alone_and_all_again(world: World, source: Feed, run: str) -> None:
    for uid in ("b", "c"):
        world.add(uid)
        world.log(uid, "loss", [1.0])
    panel = shown(LossCurve(["a", "b", "c"], source=source))
    key = panel.overlay.curves[1]["key"]
    send(panel.overlay, kind="solo", key=key)
    eventually(lambda: [curve["hidden"] for curve in panel.overlay.curves] == [True, False, True])
    send(panel.overlay, kind="solo", key=key)
    eventually(lambda: not any(curve["hidden"] for curve in panel.overlay.curves))


def test_the_y_axis_names_the_metric_where_the_legend_does_not(world: World, source: Feed, run: str) -> None:
    world.add("b")
    world.log("b", "loss", [1.0])
    assert shown(LossCurve(["a", "b"], source=source)).overlay.axes["y"] == {"label": "loss", "log": False}
    assert shown(LossCurve("a", y_log=True, source=source)).overlay.axes["y"] == {"label": "", "log": True}


def test_outliers_are_cut_off_marked_and_counted(world: World, source: Feed, run: str) -> None:
    world.log(run, "loss", [1.0 + i / 100 for i in range(100)] + [900.0, -900.0])
    panel = shown(LossCurve(run, smoothing="none", source=source))
    scale = panel.overlay.parts["y_scale"]
    assert scale.max >= 900
    send(panel.bar, kind="set", name="cut_outliers", value=True)
    eventually(lambda: scale.max < 3 and scale.min > -1)
    odd = panel.overlay.curves[0]["odd"]
    assert 103.0 in odd["above"]
    assert 104.0 in odd["below"]
    assert panel.overlay.badge["clipped"] == len(odd["above"]) + len(odd["below"])


# What is asked


def test_a_zoom_asks_for_its_interval_at_the_width_of_the_figure(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    send(panel.overlay, kind="size", width=512, zone="Europe/Berlin")
    send(panel.overlay, kind="interval", x=[0.5, 2], y=None)
    eventually(lambda: panel.overlay.interval == [0.5, 2.0])
    assert (world.asked[-1].start, world.asked[-1].end, world.asked[-1].width) == (0.5, 2.0, 512)
    assert (panel.overlay.parts["x_scale"].min, panel.overlay.parts["x_scale"].max) == (0.5, 2.0)
    send(panel.overlay, kind="interval", x=None, y=None)
    eventually(lambda: panel.overlay.interval is None)
    assert world.asked[-1].start is None


def test_a_zoom_in_y_stays_while_points_come_and_ends_with_its_scale(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    scale = panel.overlay.parts["y_scale"]
    send(panel.overlay, kind="interval", x=None, y=[1.5, 2.5])
    eventually(lambda: (scale.min, scale.max) == (1.5, 2.5))
    world.log(run, "loss", [40.0])
    eventually(lambda: panel.overlay.badge["total"] == 4)
    assert (scale.min, scale.max) == (1.5, 2.5)
    assert world.asked[-1].start is None
    panel.change(y_log=True)
    eventually(lambda: panel.overlay.y_interval is None)
    assert scale.max >= math.log10(40)


def test_a_zoom_on_a_log_axis_is_asked_for_in_plain_units(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, x_log=True, source=source))
    panel.change(interval=(0.0, 0.25))
    eventually(lambda: panel.overlay.interval)
    assert (world.asked[-1].start, world.asked[-1].end) == (1.0, pytest.approx(10**0.25))


def test_points_are_asked_for_as_deltas(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    world.log(run, "loss", [0.5])
    eventually(lambda: panel.overlay.badge["total"] == 4)
    assert world.asked[-1].cursor is not None
    assert rows(panel)[0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_what_only_looks_different_is_not_asked_for(world: World, source: Feed, run: str) -> None:
    world.end(run)
    panel = shown(LossCurve(run, source=source))
    eventually(lambda: panel.bar.status["kind"] == "ended")
    assert panel.settle()
    before = len(world.asked)
    panel.change(band=False, y_log=True)
    eventually(lambda: panel.overlay.axes["y"]["log"])
    assert len(world.asked) == before


def test_many_curves_share_a_budget_of_points(world: World, source: Feed) -> None:
    uids = [f"r{i:03}" for i in range(40)]
    for uid in uids:
        world.add(uid)
        world.log(uid, "loss", [1.0])
    shown(LossCurve(uids, source=source))
    assert world.asked[-1].width * len(uids) <= MAX_DRAWN


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"smoothing": "magic"}, "smoothing"),
        ({"x": "epoch"}, "x"),
        ({"metric": []}, "metric"),
        ({"weight": 1.5}, "weight"),
        ({"weight": math.nan}, "weight"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(source: Feed, what: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        LossCurve("a", source=source, **what)
    assert list(error.value.fields) == [field]


def test_another_method_brings_its_usual_weight(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    send(panel.bar, kind="set", name="smoothing", value="gaussian")
    eventually(lambda: panel.bar.values["smoothing"]["value"] == "gaussian")
    assert panel.bar.values["weight"]["value"] == 2.0
    assert (world.asked[-1].smoothing, world.asked[-1].weight) == ("gaussian", 2.0)


def test_axes_move_in_steps(world: World, source: Feed, run: str) -> None:
    world.log(run, "loss", [1.0] * 95)
    panel = shown(LossCurve(run, source=source))
    scale, seen = panel.overlay.parts["x_scale"], set()
    scale.observe(lambda change: seen.add(change["new"]), "max")
    assert scale.max == 100.0
    for _ in range(3):
        world.log(run, "loss", [1.0])
        assert panel.settle()
    assert seen == set()
    world.log(run, "loss", [1.0] * 10)
    eventually(lambda: seen == {125.0})
    world.end(run)
    eventually(lambda: scale.max == 110.0)


# What is said and done


def test_the_status_line(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    eventually(lambda: panel.bar.status["kind"] == "live")
    assert panel.bar.status["age"] < 5
    world.end(run, "failed", "ValueError: boom")
    eventually(lambda: panel.bar.status["kind"] == "ended")
    assert (panel.bar.status["word"], panel.bar.status["cause"]) == ("status_failed", "ValueError: boom")
    assert "stop" not in panel.bar.status


def test_stop_goes_by_rest(world: World, source: Feed, run: str) -> None:
    panel = shown(LossCurve(run, source=source))
    send(panel.bar, kind="stop")
    eventually(lambda: panel.bar.status["stop"] == "stopping")
    assert world.runs[run].stop_requested
    assert panel.bar.status["running"] == 1


# As an output


def test_the_output_outlives_the_kernel(world: World, source: Feed, run: str) -> None:
    world.end(run)
    panel = shown(LossCurve(run, weight=0.9, y_log=True, source=source))
    forms = panel._repr_mimebundle_()
    assert forms[CURVE_MIME] == {
        "version": 1,
        "experiments": ["a"],
        "metrics": ["loss"],
        "options": {
            "x": "step",
            "xLog": False,
            "yLog": True,
            "band": True,
            "outliers": False,
            "smoothing": "twema",
            "weight": 0.9,
        },
        "machine": [],
        "widget": {"model_id": panel.model_id},
    }
    assert forms[VIEW_MIME]["model_id"] == panel.model_id
    assert forms["text/plain"] == "LossCurve(mlp; loss 1 @ 2; finished)"
    assert base64.b64decode(forms["image/png"]).startswith(b"\x89PNG")


def test_the_output_is_completed_once_it_ends(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[str] = []
    monkeypatch.setattr(LossCurve, "renew_output", lambda self: renewed.append(self.bar.status["kind"]))
    panel = shown(LossCurve([run], source=source))
    world.log(run, "loss", [0.5])
    assert panel.settle()
    assert renewed == []
    world.end(run)
    eventually(lambda: renewed)
    assert panel.settle()
    assert renewed == ["ended"]
    world.runs[run].status = "running"
    world.tell(run, "status")
    eventually(lambda: panel.bar.status["kind"] == "live")
    world.end(run)
    eventually(lambda: renewed == ["ended", "ended"])


# What the machine did


def lines(panel: LossCurve) -> list[str]:
    assert panel.strip
    return [entry["name"] for entry in panel.strip.overlay.curves]


def test_gpus_are_shown_under_the_curve_once_there_are_some(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip, "_PAUSE", 0.0)
    panel = shown(LossCurve("a", source=source))
    assert len(panel.children) == 2
    for metric, value in (("gpu.10.util", 50.0), ("gpu.2.memory", 20.0), ("gpu.2.util", 90.0), ("cpu", 5.0)):
        world.log("a", f"system/{metric}", [value, value])
    eventually(lambda: len(panel.children) == 3)
    eventually(lambda: lines(panel) == ["GPU 2 utilization", "GPU 2 memory", "GPU 10 utilization"])
    assert panel.strip
    assert panel.strip.overlay.parts["x_scale"] is panel.overlay.parts["x_scale"]
    assert len({entry["color"] for entry in panel.strip.overlay.curves}) == 3
    assert [entry["name"] for entry in panel.overlay.curves] == ["loss"]


def test_a_machine_without_gpus_shows_cpu_and_memory(world: World, source: Feed, run: str) -> None:
    world.log("a", "system/memory", [20.0])
    world.log("a", "system/cpu", [50.0, 51.0])
    world.log("a", "system/disk", [50.0])
    panel = LossCurve("a", source=source)
    eventually(lambda: len(panel.children) == 3)
    assert lines(panel) == ["CPU", "Host memory"]


def test_what_came_late_is_there_at_the_end(world: World, source: Feed, run: str) -> None:
    world.log("a", "system/cpu", [50.0])
    panel = LossCurve("a", source=source)
    eventually(lambda: len(panel.children) == 3)
    world.log("a", "system/gpu.0.util", [50.0])
    world.end("a")
    eventually(lambda: lines(panel) == ["GPU 0 utilization"])


def test_the_saved_output_shows_what_was_read_of_the_machine(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_current", here(watched="a"))
    monkeypatch.setattr(strip, "_PAUSE", 0.0)
    renewed: list[list[str]] = []
    monkeypatch.setattr(LossCurve, "renew_output", lambda self: renewed.append(self.bundle()[CURVE_MIME]["machine"]))
    panel = shown(LossCurve("a", source=source))
    world.log("a", "loss", [3.0])
    eventually(lambda: "image/png" in panel.bundle())
    without = picture.shown_size(panel.bundle()["image/png"])
    world.log("a", "system/gpu.0.util", [50.0, 51.0])
    eventually(lambda: ["system/gpu.0.util"] in renewed)
    assert panel.settle()
    width, height = picture.shown_size(panel.bundle()["image/png"])
    assert (width, height - without[1]) == (without[0], round(picture.LOW * width / picture.SIZE[0]))


def test_a_zoom_of_one_is_a_zoom_of_both(world: World, source: Feed, run: str) -> None:
    world.log("a", "system/cpu", [50.0, 51.0, 52.0])
    panel = LossCurve("a", source=source)
    eventually(lambda: len(panel.children) == 3)
    assert panel.strip
    send(panel.strip.overlay, kind="interval", x=[0.0, 1.0], y=[40.0, 60.0])
    eventually(lambda: panel.strip and panel.strip.overlay.interval == [0.0, 1.0])
    assert (panel.overlay.interval, panel.overlay.y_interval) == ([0.0, 1.0], None)
    assert panel.strip.overlay.y_interval == [40.0, 60.0]
    last = [query for query in world.asked if query.metrics == ["system/cpu"]][-1]
    assert (last.start, last.end, last.smoothing) == (0.0, 1.0, "none")
    send(panel.strip.overlay, kind="toggle", key=panel.strip.overlay.curves[0]["key"])
    eventually(lambda: panel.strip.overlay.curves[0]["hidden"])
    assert not panel.overlay.curves[0]["hidden"]


def test_samples_beside_the_axis_are_told(world: World, source: Feed, run: str) -> None:
    world.log("a", "system/cpu", [50.0, 51.0])
    panel = LossCurve("a", x="metric:epoch", source=source)
    eventually(lambda: len(panel.children) == 3)
    assert panel.strip
    assert panel.strip.overlay.notice == {"kind": "empty", "key": "unread"}


def test_readings_that_will_come_have_their_room_from_the_first_frame(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_current", here(watched="a"))
    monkeypatch.setattr(strip, "_PAUSE", 0.0)
    panel = LossCurve("a", source=source)
    room = panel.children
    assert len(room) == 3
    shown(panel)
    assert panel.strip
    assert panel.strip.overlay.notice == {"kind": "empty", "key": "strip_comes"}
    world.log("a", "system/cpu", [50.0, 51.0])
    eventually(lambda: panel.strip.overlay.notice is None)
    assert panel.children == room


def test_a_run_that_ends_before_its_first_reading_says_so_in_the_same_room(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_current", here(watched="a"))
    panel = shown(LossCurve("a", source=source))
    world.end("a")
    assert panel.strip
    eventually(lambda: panel.strip.overlay.notice == {"kind": "empty", "key": "strip_none"})
    assert len(panel.children) == 3


def test_readings_are_called_by_words(world: World, source: Feed, run: str) -> None:
    for metric in ("gpu.0:1.util", "gpu.0:1.memory"):
        world.log("a", f"system/{metric}", [50.0])
    panel = LossCurve("a", source=source)
    eventually(lambda: len(panel.children) == 3)
    assert panel.strip
    said = [(entry["word"], entry["values"]) for entry in panel.strip.overlay.curves]
    assert said == [("strip_gpu_util", {"gpu": "0:1"}), ("strip_gpu_memory", {"gpu": "0:1"})]
    assert all(word in words.EN for word, _ in said)


def test_several_experiments_have_no_strip(world: World, source: Feed, run: str) -> None:
    world.add("b")
    assert LossCurve(["a", "b"], source=source).strip is None
    for metric in ("loss", "system/cpu"):
        world.log("b", metric, [1.0, 2.0])
    panel = LossCurve("b", source=source)  # the only one of this name
    eventually(lambda: len(panel.children) == 3)
    world.add("c", "box")
    query = shown(LossCurve("bo", source=source))
    eventually(lambda: query.experiments == ["c"])
    assert len(query.children) == 2
