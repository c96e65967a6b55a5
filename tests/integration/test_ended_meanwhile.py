"""Commands on a container that has ended in the moment before, which its record doesn't say yet."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.support.roots import Root
from tests.support.runtimes import usable
from tests.support.waiting import until

from dockyard import Engine, Resources
from dockyard.containers.content.commit import CommitOptions
from dockyard.containers.exec import ExecOptions
from dockyard.errors import Conflict
from dockyard.oci.reference import Reference


@pytest.fixture(params=usable())
def ended(root: Root, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine with a container ``box`` whose process is dead and whose monitor stands still."""
    with root.engine(runtime=request.param) as engine:
        engine.run("busybox", ["sleep", "60"], name="box", network="none")
        box = engine.containers.get("box")
        process, monitor = box.process, box.monitor
        assert process is not None
        assert monitor is not None
        monitor.signal(signal.SIGSTOP)
        try:
            process.signal(signal.SIGKILL)
            until(lambda: not process.alive())
            yield engine
        finally:
            monitor.signal(signal.SIGCONT)
        engine.containers.wait("box")


def test_what_needs_its_process_says_that_it_ended(ended: Engine) -> None:
    with pytest.raises(Conflict, match="box ended before it could be paused"):
        ended.containers.pause("box")
    assert not ended.containers.get("box").paused
    with pytest.raises(Conflict, match="box ended before true could be run in it"):
        ended.containers.execute("box", ExecOptions(command=("true",)))
    with pytest.raises(Conflict, match="box ended meanwhile"):
        ended.containers.pack("box", "/etc/passwd", lambda _: None)


def test_what_does_not_need_it_is_done(ended: Engine) -> None:
    made = ended.containers.commit("box", CommitOptions(name=Reference.parse("snapshot")))
    assert ended.images.find("snapshot").id == made.id
    ended.containers.update("box", Resources(memory=64 << 20))
    assert ended.containers.get("box").options.resources.memory == 64 << 20
