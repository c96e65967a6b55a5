"""What Docker Compose 2.40 has: its commands and their flags, as its own ``--help`` lists them."""

from __future__ import annotations

_SERVICES: dict[str, str] = {
    "attach": "--detach-keys --dry-run --index --no-stdin --sig-proxy",
    "build": (
        "--build-arg --builder --check --dry-run -m|--memory --no-cache --print --provenance "
        "--pull --push -q|--quiet --sbom --ssh --with-dependencies"
    ),
    "config": (
        "--dry-run --environment --format --hash --images --lock-image-digests --models "
        "--networks --no-consistency --no-env-resolution --no-interpolate --no-normalize "
        "--no-path-resolution -o|--output --profiles -q|--quiet --resolve-image-digests "
        "--services --variables --volumes"
    ),
    "cp": "--all -a|--archive --dry-run -L|--follow-link --index",
    "create": (
        "--build --dry-run --force-recreate --no-build --no-recreate --pull --quiet-pull "
        "--remove-orphans --scale -y|--yes"
    ),
    "down": "--dry-run --remove-orphans --rmi -t|--timeout -v|--volumes",
    "events": "--dry-run --json --since --until",
    "exec": (
        "-d|--detach --dry-run -e|--env --index -T|--no-tty --privileged -u|--user -w|--workdir"
    ),
    "export": "--dry-run --index -o|--output",
    "images": "--dry-run --format -q|--quiet",
    "kill": "--dry-run --remove-orphans -s|--signal",
    "logs": (
        "--dry-run -f|--follow --index --no-color --no-log-prefix --since -n|--tail "
        "-t|--timestamps --until"
    ),
    "ls": "-a|--all --dry-run --filter --format -q|--quiet",
    "pause": "--dry-run",
    "port": "--dry-run --index --protocol",
    "ps": (
        "-a|--all --dry-run --filter --format --no-trunc --orphans -q|--quiet --services --status"
    ),
    "pull": (
        "--dry-run --ignore-buildable --ignore-pull-failures --include-deps --policy -q|--quiet"
    ),
    "push": "--dry-run --ignore-push-failures --include-deps -q|--quiet",
    "restart": "--dry-run --no-deps -t|--timeout",
    "rm": "--dry-run -f|--force -s|--stop -v|--volumes",
    "run": (
        "--build --cap-add --cap-drop -d|--detach --dry-run --entrypoint -e|--env "
        "--env-from-file -i|--interactive -l|--label --name -T|--no-TTY --no-deps -p|--publish "
        "--pull -q|--quiet --quiet-build --quiet-pull --remove-orphans --rm -P|--service-ports "
        "--use-aliases -u|--user -v|--volume -w|--workdir"
    ),
    "scale": "--dry-run --no-deps",
    "start": "--dry-run",
    "stats": "-a|--all --dry-run --format --no-stream --no-trunc",
    "stop": "--dry-run -t|--timeout",
    "top": "--dry-run",
    "unpause": "--dry-run",
    "up": (
        "--abort-on-container-exit --abort-on-container-failure --always-recreate-deps --attach "
        "--attach-dependencies --build -d|--detach --dry-run --exit-code-from --force-recreate "
        "--menu --no-attach --no-build --no-color --no-deps --no-log-prefix --no-recreate "
        "--no-start --pull --quiet-build --quiet-pull --remove-orphans -V|--renew-anon-volumes "
        "--scale -t|--timeout --timestamps --wait --wait-timeout -w|--watch -y|--yes"
    ),
    "version": "--dry-run -f|--format --short",
    "volumes": "--dry-run --format -q|--quiet",
    "wait": "--down-project --dry-run",
    "watch": "--dry-run --no-up --prune --quiet",
}

COMMANDS: dict[str, str] = {
    "compose": (
        "--all-resources --ansi --compatibility --dry-run --env-file -f|--file --parallel "
        "--profile --progress --project-directory -p|--project-name"
    ),
    **{f"compose {name}": flags for name, flags in _SERVICES.items()},
}
"""The group's own flags stand between its name and the command's."""

FAMILIES = ("compose bridge", "compose commit", "compose publish")
