from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.timeline import WIDTH, Mark, Panel, Series, draw

SVG = "{http://www.w3.org/2000/svg}"


def series(*points: tuple[float, float], steps: bool = False, name: str = "ready") -> Series:
    return Series(name=name, points=points, steps=steps)


def texts(document: str) -> list[str]:
    return [found.text or "" for found in ET.fromstring(document).iter(f"{SVG}text")]


def lines(document: str) -> list[str]:
    """What is drawn of series: the paths with a width of theirs."""
    found = ET.fromstring(document).iter(f"{SVG}path")
    return [path.attrib["d"] for path in found if path.get("stroke-width") == "1.5"]


def test_it_says_what_is_to_be_seen() -> None:
    panels = [
        Panel(label="requests a second", series=(series((0, 10), (60, 42), name="came"),)),
        Panel(label="replicas", series=(series((0, 0), (20, 7), steps=True),)),
    ]
    document = draw(
        "From zero <and> back", panels, begin=0, end=60, marks=[Mark(20, "burst & all")]
    )

    assert {"From zero <and> back", "requests a second", "came", "replicas", "ready",
            "burst & all"} <= {*texts(document)}  # fmt: skip
    assert {"0", "20", "60", "5", "10"} <= {*texts(document)}
    assert {"0:00", "0:30", "1:00"} <= {*texts(document)}


def test_a_day_has_hours_of_a_clock() -> None:
    panel = Panel(label="x", series=(series((0, 1), (86_400, 2)),))

    assert {"00:00", "06:00", "22:00"} <= {
        *texts(draw("t", [panel], begin=0, end=86_400, clock=True))
    }


def test_steps_go_straight_and_hold_to_the_end() -> None:
    panel = Panel(label="x", series=(series((0, 1), (30, 2), steps=True),), height=100)
    (path,) = lines(draw("t", [panel], begin=0, end=60))

    assert path == "M56 114H446V64H836"


def test_a_step_before_the_left_edge_still_holds_there() -> None:
    panel = Panel(label="x", series=(series((-100, 2), (30, 1), steps=True),), height=100)
    (path,) = lines(draw("t", [panel], begin=0, end=60))

    assert path.startswith("M56 64H446")


def test_marks_that_are_close_are_one_above_the_other() -> None:
    marks = [
        Mark(58, "rolled back"),
        Mark(10, "a burst begins"),
        Mark(12, "a canary"),
        Mark(40, "later"),
    ]
    panel = Panel(label="x", series=(series((0, 1), (60, 1)),))
    found = ET.fromstring(draw("t", [panel], begin=0, end=60, marks=marks)).iter(f"{SVG}text")
    places = {one.text: one.attrib for one in found if one.text}

    assert places["a burst begins"]["y"] > places["a canary"]["y"]
    assert places["later"]["y"] == places["a burst begins"]["y"]
    assert places["rolled back"]["text-anchor"] == "end"


def test_nothing_to_draw_is_drawn() -> None:
    document = draw("t", [Panel(label="x", series=(series(),))], begin=0, end=0)

    assert lines(document) == []
    assert "x" in texts(document)


def test_much_becomes_little_and_a_peak_stays() -> None:
    points = [(float(at), 1.0 + at % 3) for at in range(86_400)]
    points[40_000] = (40_000.0, 90.0)
    panel = Panel(label="x", series=(series(*points),), height=100)
    document = draw("t", [panel], begin=0, end=86_400)

    assert len(document) < 50_000
    (path,) = lines(document)
    assert min(float(y) for y in re.findall(r" (\d+(?:\.\d+)?)", path)) < 75


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1e6)), max_size=60).map(sorted),
    st.booleans(),
)
def test_all_of_it_is_inside_and_the_same_each_time(
    points: list[tuple[float, float]], steps: bool
) -> None:
    panel = Panel(label="x", series=(series(*points, steps=steps),))
    document = draw("t", [panel], begin=100, end=900)
    height = float(ET.fromstring(document).attrib["viewBox"].split()[3])

    assert document == draw("t", [panel], begin=100, end=900)
    for path in lines(document):
        assert all(0 <= float(x) <= WIDTH for x in re.findall(r"[MLH](-?\d+(?:\.\d+)?)", path))
        assert all(0 <= float(y) <= height for y in re.findall(r"(?:V| )(-?\d+(?:\.\d+)?)", path))
