"""How a base image is made: command lines, files and configuration. Pure.

The packages come by mmdebstrap; the settings of apt and dpkg that make later layers small are
those that users of the official images rely on, under the same file names (a Dockerfile that
deletes ``docker-clean`` to cache packages works here too).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dockyard.errors import InvalidInput
from dockyard.images.bases import Base
from dockyard.images.stock.model import VERSION, Account, Service
from dockyard.oci import image as oci
from dockyard.oci.times import rfc3339

SOURCES = "etc/apt/sources.list"
DEFAULT_SOURCES = f"{SOURCES}.default"
"""What mmdebstrap wrote, where another mirror was used instead."""

_MIRROR = re.compile(r"(https?|file)://[\w.~:/@%+\[\]-]+", re.ASCII)
_SOURCE_LINE = re.compile(r"deb(?: \[[^]]*\])? (\S+) (\S+) (.+)")
_HOOKS = "/usr/share/mmdebstrap/hooks"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_APT_OPTION = re.compile(r'(Acquire::(?:https?::\S+|Retries)) "(.+)";')

_DOCKER_CLEAN = """\
# Keep no packages and no binary caches: they would only make layers bigger.
APT::Keep-Downloaded-Packages "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
_GZIP_INDEXES = """\
# Package lists stay compressed on disk.
Acquire::GzipIndexes "true";
"""
_NO_LANGUAGES = """\
# No translated package descriptions.
Acquire::Languages "none";
"""
_AUTOREMOVE_SUGGESTS = """\
# A package that another merely suggests may be removed automatically.
APT::AutoRemove::SuggestsImportant "false";
"""
_APT_SPEEDUP = """\
# A build that is cut off is thrown away, so there is nothing to sync for.
force-unsafe-io
"""
_SLIM = """\
# No manuals and translations; licences stay. pip may install beside Debian's packages.
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
path-exclude=/usr/lib/python3*/EXTERNALLY-MANAGED
"""
_POLICY = """\
#!/bin/sh
# A container has no service manager: packages may not start their services.
exit 101
"""

ROOT_FILES: Mapping[str, tuple[int, str]] = {
    "etc/apt/apt.conf.d/docker-clean": (0o644, _DOCKER_CLEAN),
    "etc/apt/apt.conf.d/docker-gzip-indexes": (0o644, _GZIP_INDEXES),
    "etc/apt/apt.conf.d/docker-no-languages": (0o644, _NO_LANGUAGES),
    "etc/apt/apt.conf.d/docker-autoremove-suggests": (0o644, _AUTOREMOVE_SUGGESTS),
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": (0o644, _APT_SPEEDUP),
    "etc/dpkg/dpkg.cfg.d/docker": (0o644, _SLIM),
    "usr/sbin/policy-rc.d": (0o755, _POLICY),
    "etc/resolv.conf": (0o644, ""),
    "etc/hostname": (0o644, ""),
}
"""Files of every base by path: mode and text. The last two are filled in for each container."""


def command(base: Base, *, mirror: str | None, apt: Sequence[str]) -> list[str]:
    """The command that fills the directory that is to be its last argument.

    mmdebstrap runs in namespaces of its own, so that killing it, or the process that started it,
    leaves no process and no mount behind.

    Args:
        mirror: where to fetch from instead of mmdebstrap's default.
        apt: lines of apt's configuration that hold while fetching only.

    Raises:
        InvalidInput: the mirror makes no sense.
    """
    argv = [
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
        "--dpkgopt=force-unsafe-io", f"--include={','.join(base.packages)}",
    ]  # fmt: skip
    argv += [f"--aptopt={option}" for option in ('Acquire::Retries "3"', *apt)]
    argv += [f"--hook-dir={_HOOKS}/{hook}" for hook in base.hooks]
    if mirror is not None:
        argv.append(f"--setup-hook={_use_mirror(mirror)}")
    if base.python is not None:
        argv.append(f"--customize-hook={_install_python(base.python, base.wheels)}")
    if base.service is not None:
        argv += _service_options(base.service)
    return [*argv, base.suite]


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment for :func:`command`: the proxies of ``own``, nothing else of the user's."""
    passed = {name: value for name, value in own.items() if name.lower() in _PASSED_ON}
    return {
        **passed,
        "PATH": _PATH.removeprefix("PATH="),
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "PYTHONHASHSEED": "0",
    }


def apt_options(dump: str) -> tuple[str, ...]:
    """How this host's apt reaches the network, from ``apt-config dump``: proxies, CA, retries."""
    return tuple(
        f'{match[1]} "{match[2]}"'
        for match in map(_APT_OPTION.fullmatch, dump.splitlines())
        if match
    )


def security_mirror(mirror: str) -> str:
    """Where a mirror of ``/debian`` has security updates: ``/debian-security`` beside it.

    Raises:
        InvalidInput: ``mirror`` is no URL with a component ``debian``.
    """
    head, middle, rest = f"{mirror.rstrip('/')}/".rpartition("/debian/")
    if not middle or not _MIRROR.fullmatch(mirror):
        raise InvalidInput(
            f"invalid Debian mirror {mirror!r}",
            hint="the URL of a directory named debian, with debian-security beside it,"
            " such as http://mirror.example/debian",
            reference="bad-mirror",
        )
    return f"{head}/debian-security/{rest}".rstrip("/")


def sources(text: str, keyring: str) -> str:
    """``debian.sources`` (deb822) that means the same as a ``sources.list`` of mmdebstrap.

    Args:
        keyring: path of the archive's keys inside the image.
    """
    suites: dict[tuple[str, str], list[str]] = {}
    for match in map(_SOURCE_LINE.fullmatch, text.splitlines()):
        if match:
            suites.setdefault((match[1], match[3]), []).append(match[2])
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {' '.join(names)}\nComponents: {components}\n"
        f"Signed-By: {keyring}\n"
        for (uri, components), names in suites.items()
    )


def package_version(status: str, package: str) -> str | None:
    """The upstream version of an installed package, from dpkg's ``status`` file."""
    stanza = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)*", status, re.MULTILINE)
    version = stanza and re.search(r"^Version: (?:\d+:)?([\w.]+)", stanza[0], re.MULTILINE)
    return version[1] if version else None


def image_config(
    base: Base, *, architecture: str, epoch: int, version: str, diff_ids: Iterable[str]
) -> oci.ImageConfig:
    """The image's configuration.

    Args:
        epoch: seconds since 1970.
        version: of what the image is about: Debian's (``12.9``), Python's (``3.11.2``), a
            service's.
    """
    created = rfc3339(epoch)
    labels = {oci.TITLE_LABEL: base.name, oci.VERSION_LABEL: version}
    return oci.ImageConfig(
        architecture=architecture,
        created=created,
        config=msgspec.structs.replace(_execution(base, version), labels=labels),
        rootfs=oci.RootFilesystem(tuple(diff_ids)),
        history=(
            oci.History(
                created=created,
                created_by=f"dockyard bootstrap {base.name}",
                comment=f"packages of Debian {base.suite}",
            ),
        ),
    )


def _execution(base: Base, version: str) -> oci.ExecutionConfig:
    """How containers of the image run."""
    if base.service is not None:
        execution = base.service.execution
        path = ":".join((_PATH, *base.service.paths))
        own = (variable.replace(VERSION, version) for variable in execution.env)
        return msgspec.structs.replace(execution, env=(path, *own))
    if base.python is not None:
        variables = (_PATH, "LANG=C.UTF-8", f"PYTHON_VERSION={version}")
        return oci.ExecutionConfig(env=variables, cmd=("python3",))
    return oci.ExecutionConfig(env=(_PATH,), cmd=("bash",))


def _service_options(service: Service) -> list[str]:
    """What makes mmdebstrap install a service: users before, packages, then its own steps."""
    prepared = [*map(_add_account, service.accounts), *service.prepared]
    return [
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in service.excluded),
        *([f"--essential-hook={_inside(prepared)}"] if prepared else ()),
        *([f"--customize-hook={_inside(service.steps)}"] if service.steps else ()),
    ]


def _add_account(account: Account) -> str:
    """Lines for the databases, since the programs that write them may not be there yet."""
    name, number = account.name, account.uid
    return (
        f"echo '{name}:*:{number}:{number}::{account.home}:{account.shell}' >> /etc/passwd"
        f"; echo '{name}:*:{number}:' >> /etc/group"
    )


def _inside(lines: Sequence[str]) -> str:
    """A hook that runs lines of shell in the image, up to the first that fails."""
    return f'chroot "$1" sh -c {shlex.quote("; ".join(("set -e", *lines)))}'


def _use_mirror(mirror: str) -> str:
    """A hook that rewrites what mmdebstrap wrote and keeps a copy of it."""
    security = (
        f"s#^(deb( \\[[^]]*\\])?) [^ ]+ ([^ ]+-security) #\\1 {security_mirror(mirror)} \\3 #"
    )
    others = f"s#^(deb( \\[[^]]*\\])?) [^ ]+ #\\1 {mirror.rstrip('/')} #"
    words = ["sed", "-E", "-i.default", "-e", security, "-e", "t", "-e", others]
    return f'{shlex.join(words)} "$1/{SOURCES}"'


def _install_python(version: str, wheels: Sequence[str]) -> str:
    """A hook that makes Debian's Python look like the official images'.

    Its names are in ``/usr/local/bin``, pip is installed there from Debian's own wheel and may
    install, and ``site-packages`` is where Dockerfiles copy it from and to.
    """
    library = f"/usr/local/lib/python{version}"
    pip = (
        f"PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) exec python3 -m pip install"
        " --quiet --isolated --no-index --no-cache-dir --disable-pip-version-check"
        f" --root-user-action=ignore --find-links=/usr/share/python-wheels {' '.join(wheels)}"
    )
    inside = [
        *(
            f"ln -s /usr/bin/python{version} /usr/local/bin/{name}"
            for name in ("python", "python3", f"python{version}")
        ),
        f"rm -f /usr/lib/python{version}/EXTERNALLY-MANAGED",
        f"mkdir -p {library}/dist-packages",
        f"mv {library}/dist-packages {library}/site-packages",
        f"ln -s site-packages {library}/dist-packages",
        pip,
    ]
    return _inside(inside)
