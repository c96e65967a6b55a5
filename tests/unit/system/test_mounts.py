from __future__ import annotations

from dockyard.system.mounts import distinct, mounted_below


def line(point: str) -> str:
    return f"36 35 98:0 / {point} rw,noatime master:1 - ext4 /dev/root rw\n"


def test_the_deepest_and_latest_come_first() -> None:
    text = "".join(map(line, ("/", "/a", "/a/b", "/a/b/c", "/ab", "/a/b")))

    assert mounted_below("/a", text) == ("/a/b", "/a/b/c", "/a/b", "/a")
    assert mounted_below("/a/", text) == mounted_below("/a", text)
    assert mounted_below("/none", text) == ()


def test_escapes_are_decoded_once() -> None:
    text = line("/x/with\\040space") + line("/x/tab\\011new\\012line") + line("/x/back\\134040")

    assert mounted_below("/x", text) == ("/x/back\\040", "/x/tab\tnew\nline", "/x/with space")


def test_a_layer_counts_where_it_lies_uppermost() -> None:
    assert distinct(("base", "a", "b", "a", "c", "c")) == ("base", "b", "a", "c")
    assert distinct(("a",)) == ("a",)
    assert distinct(()) == ()
