"""What a build fetches: files of the web, git repositories, contexts that aren't here."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.integration.test_build import Context
from tests.support import servers
from tests.support.roots import Root
from tests.support.servers import Repository, Web

from dockyard import Engine
from dockyard.errors import BuildError, ContentMismatch, HostileInput, InvalidInput
from dockyard.system import host

RANDOM = "RUN cat /proc/sys/kernel/random/uuid > /n\n"
STAT = "stat -c '%a %u:%g %Y %n'"


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    return Context(engine, tmp_path / "context")


@pytest.fixture
def web() -> Iterator[Web]:
    with servers.web() as made:
        yield made


@pytest.fixture
def repository(web: Web, tmp_path: Path) -> Repository:
    """Served at ``/git/r.git``."""
    (tmp_path / "bare").mkdir()
    web.repositories(tmp_path / "bare")
    return Repository(tmp_path / "work", tmp_path / "bare" / "r.git")


def archive(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]  # a mode
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_add_from_the_web(context: Context, web: Web) -> None:
    """Names, mode and time as BuildKit gives them; archives stay packed unless asked."""
    web.file("/d/file%20name.txt", b"text")
    web.file("/t.tgz", archive({"in/f": b"x"}))
    web.redirect("/moved", "/d/file%20name.txt")
    web.file("/", b"root")
    url = web.url
    context.build(
        "FROM busybox\n"
        f'ADD ["{url}/d/file%20name.txt?q=1#frag", "/into/"]\n'
        f"ADD --chown=3:4 --chmod=640 {url}/moved /as/named\n"
        f"ADD {url}/t.tgz /packed/\nADD --unpack {url}/t.tgz /unpacked/\n"
        f"ADD {url}/ /rootless/\n"
        f"ARG V=t.tgz\nADD --link {url}/$V /linked/\n"
    )

    then = servers.MODIFIED_SECONDS
    assert context.show(f"cd /into && {STAT} *; cat *; echo; {STAT} /as/named; ls /packed") == [
        f"600 0:0 {then} file name.txt", "text", f"640 3:4 {then} /as/named", "t.tgz",
    ]  # fmt: skip
    assert context.show("cat /unpacked/in/f; echo; ls /rootless /linked") == [
        "x", "/linked:", "t.tgz", "", "/rootless:", "__unnamed__",
    ]  # fmt: skip


def test_what_the_server_still_has_is_not_fetched_again(context: Context, web: Web) -> None:
    web.file("/tagged", b"one", etag='"1"')
    web.file("/plain", b"one")
    text = f"FROM busybox\nADD {web.url}/tagged /t\nADD {web.url}/plain /p\n{RANDOM}"
    context.build(text)
    before = context.show("cat /n")
    context.build(text)
    assert [headers.get("if-none-match") for path, headers in web.seen if path == "/tagged"] == [
        None, '"1"',
    ]  # fmt: skip
    assert context.show("cat /n") == before
    web.file("/tagged", b"two", etag='"2"')
    context.build(text)
    assert context.show("cat /t") == ["two"]
    assert context.show("cat /n") != before


def test_a_checksum_is_checked_and_saves_asking(context: Context, web: Web) -> None:
    web.file("/f", b"good")
    text = f"FROM busybox\nADD --checksum={sha256(b'good')} {web.url}/f /f\n"
    context.build(text)
    context.build(text)
    assert web.paths() == ["/f"]

    with pytest.raises(ContentMismatch, match="digest mismatch") as caught:
        context.build(f"FROM busybox\nADD --checksum={sha256(b'bad')} {web.url}/f /f\n")
    assert "/f" in (caught.value.context or "")


def test_what_goes_wrong_in_the_web_is_said(context: Context, web: Web, tmp_path: Path) -> None:
    web.truncated("/short", b"ha", 4)
    web.redirect("/loop", "/loop")
    web.redirect("/disk", "file:///etc/passwd")
    web.redirect("/cloud", "http://169.254.169.254/latest/meta-data/")
    web.redirect("/mapped", "http://[::ffff:169.254.169.254]/")
    tls, _ = servers.authority(tmp_path)

    def failing(path: str, kind: type[Exception], words: str) -> None:
        with pytest.raises(kind, match=words) as caught:
            context.build(f"FROM busybox\nADD {path} /f\n")
        assert "ADD" in str(getattr(caught.value, "context", ""))

    failing(f"{web.url}/none", BuildError, "404")
    failing(f"{web.url}/short", ContentMismatch, "incompletely")
    failing(f"{web.url}/loop", BuildError, "failed to load")
    failing(f"{web.url}/disk", HostileInput, "not of the web")
    failing(f"{web.url}/cloud", HostileInput, "metadata service")
    failing(f"{web.url}/mapped", HostileInput, "metadata service")
    failing("http://localhost:1/x", BuildError, "Connection refused")
    with servers.web(tls) as encrypted:
        failing(f"{encrypted.url}/x", BuildError, "certificate verify failed")


def test_tls_trusts_what_the_host_trusts_and_stays_encrypted(
    context: Context, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, bundle = servers.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with servers.web(tls) as encrypted:
        encrypted.file("/f", b"safe")
        web.file("/f", b"plain")
        encrypted.redirect("/down", f"{web.url}/f")
        web.redirect("/up", f"{encrypted.url}/f")
        context.build(f"FROM busybox\nADD {web.url}/up /f\n")
        assert context.show("cat /f") == ["safe"]
        with pytest.raises(HostileInput, match="not encrypted"):
            context.build(f"FROM busybox\nADD {encrypted.url}/down /f\n")
        checked = f"ADD --checksum={sha256(b'plain')} {encrypted.url}/down /f\n"
        context.build(f"FROM busybox\n{checked}")
        assert context.show("cat /f") == ["plain"]


def test_passwords_go_to_their_server_alone(context: Context, web: Web, root: Root) -> None:
    with servers.web() as other:
        other.file("/f", b"x")
        web.redirect("/f", f"{other.url}/f")
        secret = web.url.replace("//", "//user:s3cret@")
        context.build(f"FROM busybox\nADD {secret}/f /f\n")
        assert web.seen[0][1]["authorization"] == "Basic dXNlcjpzM2NyZXQ="
        assert "authorization" not in other.seen[0][1]
    made = context.engine.resolve("made")
    assert b"s3cret" not in made.config_bytes
    assert not any("s3cret" in event.name for event in context.events)
    records = [path.read_bytes() for path in Path(root.paths.root).glob("state.db*")]
    assert records
    assert not any(b"s3cret" in data for data in records)
    context.write("Dockerfile", f"FROM busybox\nADD {secret}/missing /f\n")
    done = root.cli("build", str(context.path))
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout


def test_git_leaves_no_password_behind(context: Context, web: Web, repository: Repository) -> None:
    repository.commit({"a": "1"})
    secret = web.url.replace("//", "//user:s3cret@")
    context.build(f"FROM busybox\nADD --keep-git-dir {secret}/git/r.git /k\n")

    assert all(headers["authorization"] == "Basic dXNlcjpzM2NyZXQ=" for _, headers in web.seen)
    assert context.show("grep -r s3cret /k || ls /k") == ["a"]
    with pytest.raises(BuildError) as caught:
        context.build(f"FROM busybox\nADD {secret}/git/none.git /k\n")
    assert "s3cret" not in f"{caught.value}{caught.value.context}{caught.value.hint}"


def test_git_tells_no_other_server_a_password(
    context: Context, web: Web, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    with servers.web() as other:
        other.repositories(tmp_path / "bare")
        service = "/r.git/info/refs?service=git-upload-pack"
        web.redirect("/moved", f"{other.url}/git{service}")
        secret = web.url.replace("//", "//user:s3cret@")
        with pytest.raises(BuildError, match="302") as caught:
            context.build(f"FROM busybox\nADD {secret}/moved/r.git /k\n")
        assert other.seen == []
        assert "redirect" in (caught.value.hint or "")
        context.build(f"FROM busybox\nADD {web.url}/moved/r.git /k\n")
        assert not any("authorization" in headers for _, headers in other.seen)
    assert context.show("cat /k/a") == ["1"]


def test_a_server_that_knows_nothing_of_git(
    context: Context, web: Web, repository: Repository
) -> None:
    """Plain files: all of the history comes, and a short commit is found in it."""
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    repository.git("--git-dir", str(repository.bare), "update-server-info")
    for path in repository.bare.rglob("*"):
        if path.is_file():
            web.file(f"/git/{path.relative_to(repository.bare.parent)}", path.read_bytes())
    del web.answers["/git"]
    url = f"{web.url}/git/r.git"
    context.build(f"FROM busybox\nADD {url} /new\nADD {url}#{first[:9]} /old\n")

    assert context.show("cat /new/a /old/a") == ["21"]


def test_add_from_git(context: Context, web: Web, repository: Repository) -> None:
    first = repository.commit({"a": "1", "sub/b": "b", "sub/deep/c": "c"})
    repository.git("tag", "-a", "v1", "-m", "tag")
    repository.git("branch", "side")
    second = repository.commit({"a": "2"}, links={"sub/link": "b"})
    url = f"{web.url}/git/r.git"
    context.build(
        "FROM busybox\n"
        f"ADD {url} /main\nADD {url}#v1 /tag\nADD {url}#side:sub /sub/\n"
        f"ADD {url}#{first} /commit\nADD {url}?branch=main&subdir=sub /query\n"
        f"ADD --keep-git-dir=true --checksum={second} {url}#main /kept\n"
        f"ADD --chown=3:4 --exclude=**/c {url}#refs/heads/side /own\n"
    )

    assert context.show("cat /main/a /tag/a /commit/a") == ["211"]
    assert context.show("ls -A /main /sub; readlink /query/link; cat /kept/.git/HEAD") == [
        "/main:", "a", "sub", "", "/sub:", "b", "deep", "b", second,
    ]  # fmt: skip
    assert context.show("stat -c '%a %u:%g' /own/a /own/sub; find /own -name c") == [
        "644 3:4", "755 3:4",
    ]  # fmt: skip


def test_a_commit_is_the_key_of_its_files(
    context: Context, web: Web, repository: Repository
) -> None:
    first = repository.commit({"a": "1"})
    text = f"FROM busybox\nADD {web.url}/git/r.git#%s /a\n{RANDOM}"
    context.build(text % "main")
    before = context.show("cat /n")
    context.build(text % "main")
    assert context.show("cat /n") == before
    repository.commit({"a": "2"})
    context.build(text % "main")
    assert context.show("cat /a/a; cat /n") != ["1", *before]
    web.seen.clear()
    context.build(text % first)
    context.build(text % first)
    assert len([path for path in web.paths() if "info/refs" in path]) == 1


def test_a_hostile_repository_stays_in_its_place(
    context: Context, web: Web, repository: Repository, tmp_path: Path
) -> None:
    """Directories by symlink or `..`, submodules of this host's disk, and hooks."""
    secret = tmp_path / "secret"
    (secret / "inner").mkdir(parents=True)
    (secret / "inner" / "s").write_text("s")
    repository.commit({"d/f": "f"}, links={"out": str(secret), "up": "../../../..", "in": "d"})
    url = f"{web.url}/git/r.git"
    for subdir in ("out/inner", "out", "up/etc", "in"):
        with pytest.raises(BuildError, match="has no directory"):
            context.build(f"FROM busybox\nADD {url}#main:{subdir} /x\n")
    for address, words in (
        (f"{url}#main:../..", "leaves the repository"),
        (f"{url}#--upload-pack=touch", "invalid git ref"),
        (f"file://{repository.bare}", "unsupported address"),
        ("ssh://-oProxyCommand=x/r.git", "invalid URL"),
        (f"{url}#nothing", "does not contain ref"),
        (f"{web.url}/git/none.git", "failed to load"),
    ):
        with pytest.raises(BuildError, match=words):
            context.build(f"FROM busybox\nADD {address} /x\n")
    modules = f'[submodule "m"]\n\tpath = m\n\turl = {repository.bare}\n'
    repository.git("update-index", "--add", "--cacheinfo",
                   f"160000,{repository.git('rev-parse', 'HEAD')},m")  # fmt: skip
    (repository.work / ".gitmodules").write_text(modules)
    repository.git("add", ".gitmodules")
    repository.git("commit", "-q", "-m", "module")
    repository.publish()
    with pytest.raises(BuildError, match="transport 'file' not allowed"):
        context.build(f"FROM busybox\nADD {url} /x\n")
    context.build(f"FROM busybox\nADD {url}?submodules=false /x\n")
    assert "f" in context.show("cat /x/d/f")[0]


def test_submodules_come_along(
    context: Context, web: Web, repository: Repository, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "inner", tmp_path / "bare" / "inner.git")
    commit = inner.commit({"i": "inner"})
    repository.commit({"a": "1"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},m")
    modules = '[submodule "m"]\n\tpath = m\n\turl = ../inner.git\n'
    (repository.work / ".gitmodules").write_text(modules)
    repository.git("add", ".gitmodules")
    repository.git("commit", "-q", "-m", "module")
    repository.publish()
    context.build(f"FROM busybox\nADD {web.url}/git/r.git /x\n")

    assert context.show("cat /x/m/i; echo; find /x -name .git") == ["inner"]


def test_contexts_from_elsewhere(
    context: Context, web: Web, repository: Repository, root: Root, tmp_path: Path
) -> None:
    """A repository, an archive, a Dockerfile of the web; standard input for either."""
    files = {"Dockerfile": "FROM busybox\nCOPY . /c\n", "f": "f", "no": "no"}
    files |= {".dockerignore": "no\n", "sub/Other": "FROM busybox\nCOPY sub/Other f /o/\n"}
    repository.commit(files)
    url = f"{web.url}/git/r.git#main"
    engine, listing = context.engine, "ls -A /c"
    packed = archive({name: text.encode() for name, text in files.items()})
    web.file("/c.tar.gz", packed)
    web.file("/Plain", b"FROM busybox\nRUN echo plain > /p\n")
    expected = [".dockerignore", "Dockerfile", "f", "sub"]

    engine.build(url, tag="made")
    assert context.show(listing) == expected
    engine.build(url, tag="made", build_args={"BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"})
    assert context.show(listing) == [".dockerignore", ".git", *expected[1:]]
    engine.build(url, tag="made", dockerfile="sub/Other")
    assert context.show("ls /o") == ["Other", "f"]
    engine.build(f"{web.url}/c.tar.gz", tag="made")
    assert context.show(listing) == expected
    engine.build(f"{web.url}/Plain", tag="made")
    assert context.show("cat /p") == ["plain"]
    engine.build(io.BytesIO(packed), tag="made", dockerfile="sub/Other")
    assert context.show("ls /o") == ["Other", "f"]
    engine.build(url, tag="made", dockerfile=io.BytesIO(b"FROM busybox\nCOPY f /x/\n"))
    assert context.show("ls /x") == ["f"]

    root.cli("build", "-t", "made", "-", input="FROM busybox\nRUN echo in > /i\n", check=True)
    assert context.show("cat /i") == ["in"]
    context.write("f", "local")
    context.write("no", "")
    context.write(".dockerignore", "no\n")
    text = "FROM busybox\nCOPY . /l/\n"
    root.cli("build", "-t", "made", "-f", "-", str(context.path), input=text, check=True)
    assert context.show("ls /l") == ["f"]
    done = root.cli("build", "-f", "-", "-", input="")
    assert done.returncode == 1
    assert "can't use stdin for both" in done.stderr


def test_a_remote_context_reads_nothing_of_this_host(
    context: Context, web: Web, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("FROM s3cret\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("Dockerfile", ".dockerignore"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, str(secret)
            tar.addfile(link)
    web.file("/c.tar", packed.getvalue())
    with pytest.raises(InvalidInput, match="failed to read dockerfile"):
        context.engine.build(f"{web.url}/c.tar")
    with pytest.raises(InvalidInput, match="failed to read dockerfile"):
        context.engine.build(f"{web.url}/c.tar", dockerfile=f"../../../../..{secret}")


def test_named_contexts_from_elsewhere(context: Context, web: Web, repository: Repository) -> None:
    repository.commit({"d/f": "git"})
    web.file("/t.tgz", archive({"f": b"web"}))
    context.build(
        "FROM busybox\nCOPY --from=git f /g\nCOPY --from=tar /f /t\n"
        "RUN --mount=from=git,target=/m cat /m/f > /both\n",
        contexts={"git": f"{web.url}/git/r.git#main:d", "tar": f"{web.url}/t.tgz"},
    )

    assert context.show("cat /g /t /both") == ["gitwebgit"]


@pytest.mark.parametrize("path", ["/slow", "/git/slow.git"])
def test_ctrl_c_ends_a_fetch_at_once(context: Context, web: Web, root: Root, path: str) -> None:
    asked, ended = threading.Event(), threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        ended.wait(60)

    web.answers["/slow"] = web.answers["/git"] = answer
    context.write("Dockerfile", f"FROM busybox\nADD {web.url}{path} /x\n")
    command = root.start("build", str(context.path))
    assert asked.wait(60)
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=30)
    ended.set()

    assert command.returncode == 130
    assert "build canceled" in errors


def test_a_full_disk_is_said(web: Web, make_root: MakeRoot, tmp_path: Path) -> None:
    web.file("/big", bytes(4 << 20))
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nADD {web.url}/big /x\n")
    root = make_root(images=False)
    os.makedirs(root.paths.root, mode=0o700)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", root.paths.root], check=True
    )
    try:
        done = root.cli("build", str(tmp_path))
    finally:
        subprocess.run(["umount", "-l", root.paths.root], check=True)

    assert done.returncode == 1
    assert "no space left to write" in done.stderr
    assert "free some space" in done.stderr


def test_nothing_is_left_of_a_fetch_whose_build_was_killed(
    context: Context, web: Web, repository: Repository, root: Root
) -> None:
    repository.commit({"a": "1"})
    posts, fetching, ended = [], threading.Event(), threading.Event()
    serve = web.answers["/git"]

    def answer(request: BaseHTTPRequestHandler) -> None:
        posts.extend([request.path] if request.command == "POST" else [])
        if len(posts) > 1:  # the first one lists the refs
            fetching.set()
            ended.wait(60)
            return
        serve(request)

    web.answers["/git"] = answer
    context.write("Dockerfile", f"FROM busybox\nADD {web.url}/git/r.git /x\n")
    command = root.start("build", str(context.path))
    assert fetching.wait(60)
    command.kill()
    command.communicate()
    workspaces = os.listdir(root.paths.workspaces)
    assert workspaces
    root.cli("images", check=True)
    ended.set()

    assert not os.listdir(root.paths.workspaces)
    assert not any(host.with_argument(root.paths.workspace(name)) for name in workspaces)


def test_triggers_may_hold_heredocs(context: Context) -> None:
    context.build(
        "FROM busybox\nONBUILD COPY <<EOF /f\none\nEOF\nONBUILD RUN <<EOF\ncp /f /g\nEOF\n"
    )
    context.build("FROM made\nRUN cat /f /g > /h\n")

    assert context.show("cat /h") == ["one", "one"]
