"""From what services say of their builds to what the engine is asked for."""

from __future__ import annotations

import pytest

from dockyard.build.grants import StepOptions
from dockyard.compose import unsupported
from dockyard.compose.build import bake, plan
from dockyard.compose.build.apply import named
from dockyard.compose.build.plan import BuildOptions, BuildSecret
from dockyard.compose.model.parts import Build, Dependency, FileReference, Ulimit
from dockyard.compose.model.project import FileObject, Project
from dockyard.compose.model.quantities import Size
from dockyard.compose.model.service import Service
from dockyard.containers.options import Ulimit as Limit
from dockyard.errors import InvalidInput, NotSupported


def project(**services: Service) -> Project:
    return Project(
        name="demo", services=services, environment={"TOKEN": "secret", "A": "from outside"},
        secrets={"file": FileObject(file="/key"), "variable": FileObject(environment="TOKEN"),
                 "text": FileObject(content="words"), "away": FileObject(external=True)},
    )  # fmt: skip


def job(build: Build, options: BuildOptions | None = None, **fields: str) -> plan.Job:
    service = Service(name="web", build=build, **fields)  # type: ignore[arg-type]  # by name
    return plan.job(project(web=service), service, options or BuildOptions())


def test_every_field_of_build_is_asked_for() -> None:
    found = job(Build(
        context="/src", dockerfile="docker/Dockerfile", args={"A": None, "B": "2", "C": None},
        labels={"x": "1"}, cache_from=("type=local,src=/c",), cache_to=("type=local,dest=/c",),
        no_cache=True, pull=True, extra_hosts=("db=10.0.0.1",), network="host", target="final",
        shm_size=Size(1 << 20), tags=("demo:2",), ulimits={"nofile": Ulimit(soft=1, hard=2),
        "nproc": 5}, platforms=("linux/amd64",), privileged=True, entitlements=("network.host",),
        ssh=("default", "key=/id"), additional_contexts={"docs": "/docs"},
        secrets=(FileReference(source="file"), FileReference(source="variable", target="token"),
                 FileReference(source="text")),
    ), image="demo:1")  # fmt: skip
    assert found == plan.Job(
        service="web", image="demo:1", context="/src", dockerfile="/src/docker/Dockerfile",
        tags=("demo:2",), args={"A": "from outside", "B": "2"}, contexts={"docs": "/docs"},
        target="final", no_cache=True, pull=True, platform="linux/amd64",
        labels={"x": "1", "com.docker.compose.version": "2.40.3",
                "com.docker.compose.project": "demo", "com.docker.compose.service": "web"},
        secrets=(BuildSecret("file", path="/key"),
                 BuildSecret("token", value="secret", variable="TOKEN"),
                 BuildSecret("text", value="words")),
        ssh={"default": (), "key": ("/id",)}, allow=("network.host", "security.insecure"),
        steps=StepOptions(network="host", allow=frozenset({"network.host"}),
                          hosts=(("db", "10.0.0.1"),), shm_size=1 << 20,
                          ulimits=(Limit("nofile", 1, 2), Limit("nproc", 5, 5))),
        cache_from=("type=local,src=/c",), cache_to=("type=local,dest=/c",),
    )  # fmt: skip
    assert "secret" not in repr(found.secrets)


def test_an_inline_dockerfile_and_one_of_a_repository() -> None:
    inline = job(Build(context="/src", dockerfile="Dockerfile", dockerfile_inline="FROM x"))
    assert (inline.dockerfile, inline.inline, inline.image) == (None, "FROM x", "demo-web")
    remote = job(Build(context="https://example.org/r.git#main", dockerfile="a/Dockerfile"))
    assert remote.dockerfile == "a/Dockerfile"


def test_the_command_line_comes_on_top() -> None:
    options = BuildOptions(args={"B": "3"}, no_cache=True, pull=True, push=True, ssh=("default",))
    found = job(Build(context=".", args={"B": "2"}, tags=("t",)), options, image="demo:1")
    assert (found.args, found.no_cache, found.pull) == ({"B": "3"}, True, True)
    assert (found.push, found.ssh) == (("demo:1", "t"), {"default": ()})
    assert job(Build(context="."), options).push == (), "only what has a name of its own"


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (Build(isolation="hyperv"), "services.web.build.isolation"),
        (Build(provenance="mode=max"), "services.web.build.provenance"),
        (Build(sbom="true"), "services.web.build.sbom"),
        (Build(platforms=("linux/amd64", "linux/arm64")), "services.web.build.platforms"),
        (Build(network="mine"), "services.web.build.network"),
        (Build(extra_hosts=("nowhere",)), "services.web.build.extra_hosts"),
        (Build(secrets=(FileReference(source="none"),)), "undefined secret none"),
        (Build(secrets=(FileReference(source="away"),)), "secret away is external"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(build: Build, words: str) -> None:
    with pytest.raises((NotSupported, InvalidInput), match=words):
        job(build)


def test_rights_of_a_builds_secret_have_no_effect_and_that_is_said() -> None:
    secrets = (FileReference(source="file", uid="1"), FileReference(source="text"))
    service = Service(name="web", build=Build(secrets=secrets))
    (sentence,) = unsupported.of_build(service)
    assert sentence.startswith("services.web.build.secrets[0].uid has no effect")
    assert unsupported.warnings(project(web=service)) == (sentence,)


def test_what_is_switched_off_is_no_attestation() -> None:
    assert job(Build(context=".", provenance="false", sbom="false")).context == "."


def test_an_image_to_run_is_for_this_host() -> None:
    several = Build(context=".", platforms=("linux/amd64", "linux/arm64"))
    assert job(several, BuildOptions(to_run=True)).platform is None
    with pytest.raises(InvalidInput, match="does not support platform: linux/386"):
        job(several, platform="linux/386")


def chain() -> Project:
    base = Service(name="base", build=Build(context="/base"))
    app = Service(
        name="app", build=Build(context="/app", additional_contexts={"base": "service:base"}),
        depends_on={"other": Dependency()},
    )  # fmt: skip
    other = Service(name="other", build=Build(context="/other"))
    return project(app=app, base=base, other=other, plain=Service(name="plain", image="x"))


def test_a_build_upon_another_services_image_comes_after_it() -> None:
    whole = chain()
    jobs = plan.jobs(whole, ["app", "plain"], BuildOptions())
    assert set(jobs) == {"app", "base"}
    assert jobs["app"].contexts == {"base": "docker-image://demo-base"}
    assert plan.needed(whole, jobs) == {"app": ("base",), "base": ()}
    everything = plan.jobs(whole, whole.services, BuildOptions())
    assert plan.needed(whole, everything)["app"] == ("base", "other")


def test_builds_that_wait_for_each_other_are_refused() -> None:
    one = Build(context="/1", additional_contexts={"x": "service:two"})
    two = Build(context="/2", additional_contexts={"x": "service:one"})
    whole = project(one=Service(name="one", build=one), two=Service(name="two", build=two))
    with pytest.raises(InvalidInput, match="builds upon its own image"):
        plan.needed(whole, plan.jobs(whole, ["one"], BuildOptions()))
    lost = Service(name="x", build=Build(additional_contexts={"a": "service:nobody"}))
    with pytest.raises(InvalidInput, match=r"additional_contexts\.a: no such service: nobody"):
        plan.jobs(project(x=lost), ["x"], BuildOptions())


def test_a_dependency_that_would_make_a_circle_is_no_reason_to_wait() -> None:
    app = Build(context="/a", additional_contexts={"x": "service:base"})
    whole = project(
        app=Service(name="app", build=app),
        base=Service(name="base", build=Build(context="/b"), depends_on={"app": Dependency()}),
    )
    jobs = plan.jobs(whole, ["app"], BuildOptions())
    assert plan.needed(whole, jobs) == {"app": ("base",), "base": ()}


def test_steps_have_their_service_before_them() -> None:
    assert named("web", "[final 2/3] RUN x") == "[web final 2/3] RUN x"
    assert named("web", "exporting") == "[web] exporting"


def test_the_file_of_bake_names_targets_for_services() -> None:
    found = bake.document(plan.jobs(chain(), ["app"], BuildOptions()))
    assert found["group"] == {"default": {"targets": ["app", "base"]}}
    assert found["target"]["app"]["contexts"] == {"base": "target:base"}
    assert found["target"]["app"]["tags"] == ["demo-app"]
