"""Builds as the file of ``docker buildx bake`` that would do the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.compose.build.plan import BuildSecret, Job


def document(jobs: Mapping[str, Job]) -> dict[str, Any]:
    """The file, for ``json.dumps``."""
    targets = {name: name.replace(".", "_") for name in jobs}
    images = {
        f"docker-image://{job.image}": f"target:{targets[name]}" for name, job in jobs.items()
    }
    return {
        "group": {"default": {"targets": sorted(targets.values())}},
        "target": {targets[name]: _target(job, images) for name, job in sorted(jobs.items())},
    }


def _target(job: Job, images: Mapping[str, str]) -> dict[str, Any]:
    steps = job.steps
    fields: dict[str, Any] = {
        "context": job.context,
        "contexts": {name: images.get(value, value) for name, value in job.contexts.items()},
        "dockerfile": job.dockerfile,
        "dockerfile-inline": _escaped(job.inline),
        "args": {name: _escaped(value) for name, value in job.args.items()},
        "labels": job.labels,
        "tags": [*job.tags, job.image],
        "cache-from": list(job.cache_from),
        "cache-to": list(job.cache_to),
        "target": job.target,
        "secret": [_secret(each) for each in job.secrets],
        "ssh": [f"{name}={','.join(paths)}" for name, paths in job.ssh.items()],
        "platforms": [job.platform] if job.platform else [],
        "pull": job.pull,
        "no-cache": job.no_cache,
        "network": steps.network if steps.network != "default" else "",
        "shm-size": str(steps.shm_size) if steps.shm_size else "",
        "ulimits": [f"{one.name}={one.soft}:{one.hard}" for one in steps.ulimits],
        "entitlements": list(job.allow),
        "extra-hosts": dict(steps.hosts),
        "output": ["type=registry" if job.push else "type=docker"],
    }
    return {name: value for name, value in fields.items() if value}


def _secret(secret: BuildSecret) -> str:
    if secret.path:
        return f"id={secret.id},type=file,src={secret.path}"
    return f"id={secret.id},type=env,env={secret.variable or secret.id}"


def _escaped(text: str) -> str:
    """What begins a variable of bake's own stays as it is."""
    return text.replace("${", "$${")
