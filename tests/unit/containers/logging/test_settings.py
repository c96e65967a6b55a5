from __future__ import annotations

import pytest

from dockyard.containers.logging.settings import LogSettings, choose, resolve
from dockyard.containers.options import Logging
from dockyard.errors import InvalidInput, NotSupported


def settings(driver: str | None = None, **options: str) -> LogSettings:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return resolve(Logging(driver=driver, options=named), {"a": "1", "b": "2"}, {"X": "y"})


def test_defaults_are_dockers() -> None:
    assert settings() == LogSettings(driver="json-file")
    assert not settings().rotates
    assert settings("none") == LogSettings(driver="none")
    assert settings("local") == LogSettings(
        driver="local", max_size=20 << 20, max_files=5, compress=True
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("10k", 10240), ("1.5m", 3 << 19), ("2G", 2 << 30), ("3MiB", 3 << 20),
     ("7b", 7), ("4kb", 4096)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert settings(max_size=text).max_size == size


def test_labels_and_variables_are_details() -> None:
    assert settings(labels="b,none", env="X").details == {"b": "2", "X": "y"}


@pytest.mark.parametrize(
    ("driver", "options", "words"),
    [
        ("foo", {}, "error looking up logging plugin foo"),
        ("json-file", {"foo": "1"}, "unknown log opt 'foo' for json-file log driver"),
        ("local", {"labels": "a"}, "unknown log opt 'labels' for local log driver"),
        (None, {"max_size": "abc"}, "invalid size: 'abc'"),
        (None, {"max_size": "-1"}, "invalid size: '-1'"),
        (None, {"max_size": "0"}, "max-size must be a positive number"),
        (None, {"max_file": "0"}, "max-file cannot be less than 1"),
        (None, {"max_file": "x"}, "max-file"),
        (None, {"max_file": "3"}, "max-file has no effect when max-size is not set"),
        (None, {"compress": "true"}, "compress cannot be true when max-file is less than 2"),
        (None, {"compress": "maybe"}, "compress"),
        ("local", {"max_file": "1"}, "compression cannot be enabled when max file count is 1"),
        ("none", {"max_size": "1m"}, "invalid logging opts for driver none"),
    ],
)
def test_nonsense_is_refused(driver: str | None, options: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        settings(driver, **options)
    assert caught.value.exit_code == 125


@pytest.mark.parametrize(
    ("driver", "options"),
    [("syslog", {}), (None, {"tag": "x"}), (None, {"mode": "non-blocking"}),
     (None, {"max_buffer_size": "1m"}), (None, {"env_regex": "^X"})],
)  # fmt: skip
def test_what_would_have_no_effect_is_refused(driver: str | None, options: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        settings(driver, **options)


def test_the_defaults_options_go_with_its_driver_alone() -> None:
    default = Logging(driver="local", options={"max-size": "1m"})

    assert choose(Logging(), default) == default
    assert choose(Logging(options={"max-file": "2"}), default).options == {
        "max-size": "1m", "max-file": "2"
    }  # fmt: skip
    assert choose(Logging(driver="none"), default) == Logging(driver="none")
    assert choose(Logging(), Logging()).driver == "json-file"
