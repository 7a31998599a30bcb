"""A run in a cell of a notebook: a real kernel, and the messages that its front end gets."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.notebook import notebook
from tests.fakes.world import World
from trainwatt.presentation.notebook.live import Ahead, LiveView, Now

QUICK = "import time\nfrom trainwatt import EnergyTracker\nfrom trainwatt.tracking.notebook import cell\ncell.PERIOD_S = 0.1\n"
THREADS = "import threading\nprint(sum(t.name == 'trainwatt-cell' for t in threading.enumerate()))\n"


@pytest.mark.slow
def test_a_cell_follows_its_run_to_the_end(world: World) -> None:
    """Before the run, while other cells run and while none does, in a pause, after the end, and with the next run."""
    with notebook(world) as open_:
        open_.run(QUICK + "tracker = EnergyTracker(project='digits', epochs=3, budget='1 kWh')\ntracker.live()")
        assert [(one.update, one.text) for one in open_.wait(lambda shown: len(shown) >= 1)[:1]] == [(False, "no run is under way yet")]
        place = open_.shown[0].id
        assert place
        open_.run("tracker.start()\nfor epoch in range(2):\n    with tracker.phase('train', step=epoch): time.sleep(0.3)")
        open_.run("begun = tracker.phase('train', step=2)\nbegun.__enter__()")
        last = open_.wait(lambda shown: "2 of 3 epochs)" in shown[-1].html)[-1]
        assert (last.update, last.id) == (True, place)
        assert all(words in last.text for words in (" W · ", " J so far · ", "at the end, ", "budget of 1 kWh: ")), last
        open_.run("tracker.pause()")
        open_.wait(lambda shown: "paused" in shown[-1].text)
        open_.run("tracker.resume()")
        open_.wait(lambda shown: " W · " in shown[-1].text)
        open_.run("tracker.stop()")
        last = open_.wait(lambda shown: "<table>" in shown[-1].html)[-1]
        assert last.id == place
        assert tuple(open_.run("print(tracker.summary().headline)").split()) == tuple(last.text.partition(": ")[2].rstrip(">").split())
        assert open_.silent(0.4)
        assert open_.run(THREADS).strip() == "0"

        open_.run("tracker.live()\ntracker.live()")  # a later call takes over
        open_.run("with tracker: time.sleep(0.5)")
        open_.wait(lambda shown: "<table>" in shown[-1].html)
        first, second = [one.id for one in open_.shown if not one.update][1:]
        later = [one.id for one in open_.shown if one.update]
        assert place != first != second
        assert (later[-1], first in later) == (second, False)


@pytest.mark.slow
def test_a_notebook_that_cannot_show_it_harms_no_training(world: World) -> None:
    with notebook(world) as open_:
        broken = "def broken(*_, **__): raise OSError('the front end is gone')\nget_ipython().display_pub.publish = broken\n"
        said = open_.run(QUICK + broken + "with EnergyTracker(project='digits') as tracker:\n    tracker.live()\n    time.sleep(0.3)")
        assert "the run is not shown in the notebook; the training is not affected" in said
        restored = "del get_ipython().display_pub.publish\ntracker.start()\ntracker.live()\n"
        open_.run(restored)
        open_.wait(lambda shown: len(shown) > 2)
        open_.run(broken + "time.sleep(0.3)\ntracker.stop()\ndel tracker")
        assert open_.run(THREADS).strip() == "0"
    assert [run["status"] for run in world.runs()] == ["completed", "completed"]


def test_elsewhere_it_shows_nothing(world: World) -> None:
    """In a script, and in IPython in a terminal."""
    code = (
        "import sys\nfrom trainwatt import EnergyTracker\nwith EnergyTracker() as tracker: tracker.live()\n"
        "import threading\nassert not any(t.name == 'trainwatt-cell' for t in threading.enumerate())\n"
    )
    ended = world.run_python(f"{code}assert 'IPython' not in sys.modules")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    (world.work / "train.py").write_text(code)
    terminal = world.popen([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "train.py"])
    said, errors = terminal.communicate(timeout=100)
    assert (terminal.returncode, said.strip(), errors) == (0, "", "")


def test_what_is_not_known_is_said_so() -> None:
    assert repr(LiveView(Now(None, None, 3.0))) == "no energy is known yet · 3.0 s"
    assert (
        repr(LiveView(Now(7200.0, 310.0, 65.0, budget=("2 kWh", None))))
        == "310 W · 2.00 Wh so far · 1 min 05 s\nbudget of 2 kWh: not known yet"
    )
    late = Ahead((3.6e6, 3.4e6, 3.9e6), -4.0, 1, 2)
    assert repr(LiveView(Now(3.6e6, None, 65.0, True, late))).splitlines() == [
        "paused · 1.00 kWh so far · 1 min 05 s",
        "forecast: 1.00 kWh (0.944–1.08) at the end, about to end (after 1 of 2 epochs)",
    ]
    assert "<script>" not in LiveView(Now(1.0, 1.0, 1.0, budget=("<script>", 0.5)))._repr_html_()
