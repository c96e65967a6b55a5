"""Standard streams of a container, through the monitor's socket.

The socket is a SOCK_SEQPACKET; a packet of output begins with a byte that names the stream.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dockyard.containers import monitor
from dockyard.containers.detach import Detached, DetachKeys
from dockyard.containers.model import Container
from dockyard.containers.shared_memory import Watch

if TYPE_CHECKING:
    from dockyard.containers.logs import LogLine
    from dockyard.system.terminal import Size

_STDOUT = 2
_STDERR = 3
_PACKET = 1 << 15
_INPUT = 1 << 14
"""conmon reads input packets of at most 32767 bytes and cuts longer ones off."""
_HUNG_UP = 129

Sink = Callable[[int, bytes], None]
"""Gets 1 (stdout) or 2 (stderr), and the bytes. What it raises ends the copying."""


class Keyboard:
    """A terminal of the user's that becomes the container's: its size is followed.

    With standard input, it is put into raw mode, and its detach keys are watched for.
    """

    def __init__(self, window: int | None, keys: bytes) -> None:
        """``window`` is a descriptor that has the size; ``None`` where nothing has one."""
        self.keys = keys
        self._window = window
        self._known = self.size

    @property
    def size(self) -> Size | None:
        """Rows and columns at this moment."""
        if self._window is None:
            return None
        from dockyard.system import terminal  # few containers have one

        return terminal.size(self._window)

    def fit(self, bundle: str, *, redraw: bool = False) -> None:
        """Gives the container's terminal this one's size, if it doesn't have it yet."""
        size = self.size
        if size is None or (size == self._known and not redraw):
            return
        from dockyard.containers import console

        self._known = size
        if redraw:
            console.redraw(bundle, size)
        else:
            console.resize(bundle, size)


class Streams:
    """Where the output of a container in the foreground goes, and where its input comes from."""

    def __init__(
        self,
        sink: Sink,
        stdin: int | None = None,
        on_start: Callable[[Container], None] | None = None,
        *,
        keyboard: Keyboard | None = None,
    ) -> None:
        """``on_start`` gets the running container before the first output, e.g. for signals.

        Args:
            keyboard: the user's terminal, for a container that has one.
        """
        self._sink = sink
        self._stdin = stdin
        self._on_start = on_start
        self._keyboard = keyboard
        self._connection: socket.socket | None = None
        self.shared_memory: Watch | None = None
        """Looks at the output for complaints about it."""
        self._bundle = ""

    @property
    def window(self) -> Size | None:
        """The size that a terminal of the container begins with."""
        return None if self._keyboard is None else self._keyboard.size

    def open(self, path: str) -> None:
        """Connects to the monitor, before the program starts, so that not a byte is missed."""
        self._connection = connect(path)

    def close(self) -> None:
        """Disconnects, where nothing is to be copied. Idempotent."""
        if self._connection is not None:
            self._connection.close()

    def mark_end(self) -> None:
        """Notes that the user ends the container: it stays down, whatever its restart policy.

        For signal handlers: it takes no lock. Nothing happens where the container has ended.
        """
        with contextlib.suppress(OSError), open(monitor.end_mark(self._bundle), "w"):
            pass

    def run(self, container: Container, bundle: str, *, redraw: bool = False) -> None:
        """Copies until the output ends; ``bundle`` is where the monitor's FIFOs are.

        Args:
            redraw: have a program that has drawn already do it again.

        Raises:
            Detached: the user left.
        """
        self._bundle = bundle
        if self._on_start is not None:
            self._on_start(container)
        if self._connection is None:
            return
        with self._connection:
            if self._keyboard is None:
                forward(self._connection, self._pass_on, self._stdin)
            else:
                self._run_terminal(self._connection, self._keyboard, bundle, redraw=redraw)

    @property
    def watches(self) -> bool:
        """Only output is wanted."""
        return self._stdin is None

    def show(self, container: Container, entries: Iterable[LogLine]) -> None:
        """Takes output from the log instead of the monitor."""
        if self._on_start is not None:
            self._on_start(container)
        for entry in entries:
            self._sink(entry.stream, entry.data)

    def _run_terminal(
        self, connection: socket.socket, keyboard: Keyboard, bundle: str, *, redraw: bool
    ) -> None:
        from dockyard.system import terminal

        with terminal.resizes() as resized, self._raw():
            keyboard.fit(bundle, redraw=redraw)
            forward(
                connection, self._pass_on, self._stdin, keys=DetachKeys(keyboard.keys),
                watch=(resized, lambda: keyboard.fit(bundle)),
            )  # fmt: skip

    def _pass_on(self, stream: int, data: bytes) -> None:
        self._sink(stream, data)
        if self.shared_memory is not None:
            self.shared_memory.saw(data)

    def _raw(self) -> contextlib.AbstractContextManager[None]:
        if self._stdin is None or not os.isatty(self._stdin):
            return contextlib.nullcontext()
        from dockyard.system import terminal

        return terminal.raw(self._stdin)


def connect(path: str) -> socket.socket:
    """Connects to a monitor; by a descriptor of the directory, for a path may pass 108 bytes."""
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(directory)


def forward(
    connection: socket.socket,
    sink: Sink,
    stdin: int | None,
    *,
    keys: DetachKeys | None = None,
    watch: tuple[int, Callable[[], None]] | None = None,
) -> None:
    """Copies until the container's output ends.

    Args:
        stdin: a descriptor to read from; its end closes the container's standard input.
        keys: those that detach, where ``stdin`` is a terminal.
        watch: a descriptor to read empty, and what to call when it was readable.

    Raises:
        Detached: the keys were typed, or the terminal is gone.
    """
    sending = _Input(connection, keys)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        if watch is not None:
            selector.register(watch[0], selectors.EVENT_READ)
        if stdin is not None and not _register(selector, stdin):
            _drain_into(connection, stdin)
        while True:
            for key, events in selector.select():
                if key.fileobj is connection:
                    if events & selectors.EVENT_WRITE and stdin is not None:
                        _go_on(selector, sending, stdin)
                    if events & selectors.EVENT_READ and not _receive(connection, sink):
                        return
                elif watch is not None and key.fd == watch[0]:
                    _empty(key.fd)
                    watch[1]()
                else:
                    _pass_on(selector, sending, key.fd)


def _pass_on(selector: selectors.BaseSelector, sending: _Input, stdin: int) -> None:
    """Sends what was typed or written; it isn't watched at its end, or until there is room."""
    if not sending.pass_on(stdin):
        selector.unregister(stdin)
        if sending.waits:
            selector.modify(sending.connection, selectors.EVENT_READ | selectors.EVENT_WRITE)


def _go_on(selector: selectors.BaseSelector, sending: _Input, stdin: int) -> None:
    """Sends what has waited, and reads on."""
    more = sending.flush()
    if not sending.waits:
        selector.modify(sending.connection, selectors.EVENT_READ)
        if more:
            selector.register(stdin, selectors.EVENT_READ)


class _Input:
    """The way from standard input to the container.

    It never blocks: a program that waits until somebody takes its output reads no input, and the
    one who would take it is us.
    """

    def __init__(self, connection: socket.socket, keys: DetachKeys | None) -> None:
        self.connection = connection
        self._keys = keys
        self._waiting = b""

    @property
    def waits(self) -> bool:
        """The monitor had no room for what was read last."""
        return bool(self._waiting)

    def flush(self) -> bool:
        """Sends what has waited; False where that has no room yet, or nobody reads any more."""
        data, self._waiting = self._waiting, b""
        try:
            self.connection.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._waiting = data
            return False
        except OSError:
            return False  # the container closed its input or ended; its output says the rest
        return True

    def pass_on(self, stdin: int) -> bool:
        """Sends what can be read; False at its end, or where there is no room for it now.

        Raises:
            Detached: see :func:`forward`.
        """
        data = self._read(stdin)
        detached = False
        if self._keys is not None:
            data, detached = self._keys.feed(data)
        if data:
            self._waiting = data
            if not self.flush() and not detached:
                return False
        elif self._keys is None:
            with contextlib.suppress(OSError):  # as in flush()
                self.connection.shutdown(socket.SHUT_WR)
            return False
        if detached:
            raise Detached("read escape sequence")
        return True

    def _read(self, stdin: int) -> bytes:
        """What was typed or written; a terminal in raw mode has no end but its own."""
        try:
            data = os.read(stdin, _INPUT)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data and self._keys is not None:
            raise Detached("the terminal was closed", exit_code=_HUNG_UP)
        return data


def _register(selector: selectors.BaseSelector, stdin: int) -> bool:
    """Watches standard input; False for what epoll can't watch (a regular file)."""
    try:
        selector.register(stdin, selectors.EVENT_READ)
    except PermissionError:
        return False
    return True


def _drain_into(connection: socket.socket, stdin: int) -> None:
    import threading  # only where standard input is a regular file

    own = os.dup(stdin)  # the container may end first, and the caller close his

    def copy() -> None:
        try:
            while data := os.read(own, _INPUT):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the container closed its input or ended; its output says the rest
        finally:
            os.close(own)

    threading.Thread(target=copy, daemon=True).start()


def _empty(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, _PACKET):
            pass


def _receive(connection: socket.socket, sink: Sink) -> bool:
    try:
        packet = connection.recv(_PACKET + 1)
    except ConnectionResetError:
        return False
    if not packet:
        return False
    if packet[0] in {_STDOUT, _STDERR}:
        sink(packet[0] - 1, packet[1:])
    return True
