"""What Docker 28.5 has: its commands and their flags, as its own ``--help`` lists them."""

from __future__ import annotations

from dockyard.cli import compose_surface

COMMANDS: dict[str, str] = {
    **compose_surface.COMMANDS,
    "attach": "--detach-keys --no-stdin --sig-proxy",
    "build": (
        "--add-host --allow --annotation --attest --build-arg --build-context --builder "
        "--cache-from --cache-to --call --cgroup-parent --check -D|--debug -f|--file "
        "--iidfile --label --load --metadata-file --network --no-cache --no-cache-filter "
        "-o|--output --platform --progress --provenance --pull --push -q|--quiet --sbom "
        "--secret --shm-size --ssh -t|--tag --target --ulimit"
    ),
    "builder du": "--builder -D|--debug --filter --format --verbose",
    "builder prune": (
        "-a|--all --builder -D|--debug --filter -f|--force --max-used-space --min-free-space "
        "--reserved-space --verbose"
    ),
    "commit": "-a|--author -c|--change -m|--message -p|--pause",
    "container attach": "=attach",
    "container commit": "=commit",
    "container cp": "=cp",
    "container create": "=create",
    "container diff": "=diff",
    "container exec": "=exec",
    "container export": "=export",
    "container inspect": "-f|--format -s|--size",
    "container kill": "=kill",
    "container logs": "=logs",
    "container ls": "=ps",
    "container pause": "=pause",
    "container port": "=port",
    "container prune": "--filter -f|--force",
    "container rename": "=rename",
    "container restart": "=restart",
    "container rm": "=rm",
    "container run": "=run",
    "container start": "=start",
    "container stats": "=stats",
    "container stop": "=stop",
    "container top": "=top",
    "container unpause": "=unpause",
    "container update": "=update",
    "container wait": "=wait",
    "cp": "-a|--archive -L|--follow-link -q|--quiet",
    "create": (
        "--add-host --annotation -a|--attach --blkio-weight --blkio-weight-device --cap-add "
        "--cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota "
        "--cpu-rt-period --cpu-rt-runtime -c|--cpu-shares --cpus --cpuset-cpus --cpuset-mems "
        "--device --device-cgroup-rule --device-read-bps --device-read-iops "
        "--device-write-bps --device-write-iops --disable-content-trust --dns --dns-option "
        "--dns-search --domainname --entrypoint -e|--env --env-file --expose --gpus "
        "--group-add --health-cmd --health-interval --health-retries --health-start-interval "
        "--health-start-period --health-timeout -h|--hostname --init -i|--interactive --ip "
        "--ip6 --ipc --isolation --kernel-memory -l|--label --label-file --link "
        "--link-local-ip --log-driver --log-opt --mac-address -m|--memory "
        "--memory-reservation --memory-swap --memory-swappiness --mount --name --network "
        "--network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid "
        "--pids-limit --platform --privileged -p|--publish -P|--publish-all --pull -q|--quiet "
        "--read-only --restart --rm --runtime --security-opt --shm-size --stop-signal "
        "--stop-timeout --storage-opt --sysctl --tmpfs -t|--tty --ulimit --use-api-socket "
        "-u|--user --userns --uts -v|--volume --volume-driver --volumes-from -w|--workdir"
    ),
    "diff": "",
    "events": "-f|--filter --format --since --until",
    "exec": (
        "-d|--detach --detach-keys -e|--env --env-file -i|--interactive --privileged -t|--tty "
        "-u|--user -w|--workdir"
    ),
    "export": "-o|--output",
    "history": "--format -H|--human --no-trunc --platform -q|--quiet",
    "image history": "=history",
    "image import": "=import",
    "image inspect": "-f|--format --platform",
    "image load": "=load",
    "image ls": "=images",
    "image prune": "-a|--all --filter -f|--force",
    "image pull": "=pull",
    "image push": "=push",
    "image rm": "=rmi",
    "image save": "=save",
    "image tag": "=tag",
    "images": "-a|--all --digests -f|--filter --format --no-trunc -q|--quiet --tree",
    "import": "-c|--change -m|--message --platform",
    "info": "-f|--format",
    "inspect": "-f|--format -s|--size --type",
    "kill": "-s|--signal",
    "load": "-i|--input --platform -q|--quiet",
    "login": "-p|--password --password-stdin -u|--username",
    "logout": "",
    "logs": "--details -f|--follow --since -n|--tail -t|--timestamps --until",
    "network connect": "--alias --driver-opt --gw-priority --ip --ip6 --link --link-local-ip",
    "network create": (
        "--attachable --aux-address --config-from --config-only -d|--driver --gateway "
        "--ingress --internal --ip-range --ipam-driver --ipam-opt --ipv4 --ipv6 --label "
        "-o|--opt --scope --subnet"
    ),
    "network disconnect": "-f|--force",
    "network inspect": "-f|--format -v|--verbose",
    "network ls": "-f|--filter --format --no-trunc -q|--quiet",
    "network prune": "--filter -f|--force",
    "network rm": "-f|--force",
    "pause": "",
    "port": "",
    "ps": ("-a|--all -f|--filter --format -n|--last -l|--latest --no-trunc -q|--quiet -s|--size"),
    "pull": "-a|--all-tags --disable-content-trust --platform -q|--quiet",
    "push": "-a|--all-tags --disable-content-trust --platform -q|--quiet",
    "rename": "",
    "restart": "-s|--signal -t|--timeout",
    "rm": "-f|--force -l|--link -v|--volumes",
    "rmi": "-f|--force --no-prune --platform",
    "run": (
        "--add-host --annotation -a|--attach --blkio-weight --blkio-weight-device --cap-add "
        "--cap-drop --cgroup-parent --cgroupns --cidfile --cpu-period --cpu-quota "
        "--cpu-rt-period --cpu-rt-runtime -c|--cpu-shares --cpus --cpuset-cpus --cpuset-mems "
        "-d|--detach --detach-keys --device --device-cgroup-rule --device-read-bps "
        "--device-read-iops --device-write-bps --device-write-iops --disable-content-trust "
        "--dns --dns-option --dns-search --domainname --entrypoint -e|--env --env-file "
        "--expose --gpus --group-add --health-cmd --health-interval --health-retries "
        "--health-start-interval --health-start-period --health-timeout -h|--hostname --init "
        "-i|--interactive --ip --ip6 --ipc --isolation --kernel-memory -l|--label "
        "--label-file --link --link-local-ip --log-driver --log-opt --mac-address -m|--memory "
        "--memory-reservation --memory-swap --memory-swappiness --mount --name --network "
        "--network-alias --no-healthcheck --oom-kill-disable --oom-score-adj --pid "
        "--pids-limit --platform --privileged -p|--publish -P|--publish-all --pull -q|--quiet "
        "--read-only --restart --rm --runtime --security-opt --shm-size --sig-proxy "
        "--stop-signal --stop-timeout --storage-opt --sysctl --tmpfs -t|--tty --ulimit "
        "--use-api-socket -u|--user --userns --uts -v|--volume --volume-driver --volumes-from "
        "-w|--workdir"
    ),
    "save": "-o|--output --platform",
    "search": "-f|--filter --format --limit --no-trunc",
    "start": "-a|--attach --detach-keys -i|--interactive",
    "stats": "-a|--all --format --no-stream --no-trunc",
    "stop": "-s|--signal -t|--timeout",
    "system df": "--format -v|--verbose",
    "system events": "=events",
    "system info": "=info",
    "system prune": "-a|--all --filter -f|--force --volumes",
    "tag": "",
    "top": "",
    "unpause": "",
    "update": (
        "--blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime "
        "-c|--cpu-shares --cpus --cpuset-cpus --cpuset-mems -m|--memory --memory-reservation "
        "--memory-swap --pids-limit --restart"
    ),
    "version": "-f|--format",
    "volume create": "-d|--driver --label -o|--opt",
    "volume inspect": "-f|--format",
    "volume ls": "-f|--filter --format -q|--quiet",
    "volume prune": "-a|--all --filter -f|--force",
    "volume rm": "-f|--force",
    "wait": "",
}

FAMILIES: tuple[str, ...] = (
    *compose_surface.FAMILIES,
    "bake", "builder history", "builder imagetools", "builder ls", "buildx", "checkpoint",
    "config", "context", "manifest", "node", "plugin", "secret", "service", "stack",
    "swarm", "trust",
)  # fmt: skip
"""Commands and groups that the table has in one line each."""

INSTRUCTIONS: dict[str, str] = {
    "# syntax": "# syntax=docker/dockerfile:1\nFROM scratch",
    "# escape": "# escape=`\nFROM scratch",
    "# check": "# check=skip=all\nFROM scratch",
    "heredocs": "FROM scratch\nRUN <<EOF\ntrue\nEOF\nCOPY <<one <<two /\n1\none\n2\ntwo",
    "variables": "FROM scratch\nARG a=x-y\nENV b=${a:-1} c=${a:+2} d=${a#x} e=${a%%y} f=${a//x/z}",
    "FROM": "FROM scratch AS one\nFROM one",
    "FROM --platform": "FROM --platform=$BUILDPLATFORM scratch",
    "ADD": "FROM scratch\nADD file /",
    "ADD http(s)": "FROM scratch\nADD https://example.org/file /",
    "ADD git": "FROM scratch\nADD https://example.org/repository.git#main:folder /",
    "ADD --checksum": "FROM scratch\nADD --checksum=sha256:"
    + "0" * 64
    + " https://example.org/file /",
    "ADD --chmod": "FROM scratch\nADD --chmod=644 file /",
    "ADD --chown": "FROM scratch\nADD --chown=1:2 file /",
    "ADD --exclude": "FROM scratch\nADD --exclude=*.md folder /",
    "ADD --keep-git-dir": "FROM scratch\nADD --keep-git-dir=true https://example.org/r.git /",
    "ADD --link": "FROM scratch\nADD --link file /",
    "ADD --unpack": "FROM scratch\nADD --unpack=false file.tar /",
    "ARG": "FROM scratch\nARG a=1",
    "CMD": 'FROM scratch\nCMD ["/program"]',
    "COPY": "FROM scratch\nCOPY file /",
    "COPY --chmod": "FROM scratch\nCOPY --chmod=u+x file /",
    "COPY --chown": "FROM scratch\nCOPY --chown=1:2 file /",
    "COPY --exclude": "FROM scratch\nCOPY --exclude=*.md folder /",
    "COPY --from": "FROM scratch AS one\nFROM scratch\nCOPY --from=one / /",
    "COPY --link": "FROM scratch\nCOPY --link file /",
    "COPY --parents": "FROM scratch\nCOPY --parents a/./b/file /",
    "ENTRYPOINT": 'FROM scratch\nENTRYPOINT ["/program"]',
    "ENV": "FROM scratch\nENV a=1",
    "EXPOSE": "FROM scratch\nEXPOSE 80 53/udp 9000-9002",
    "HEALTHCHECK": "FROM scratch\nHEALTHCHECK --interval=1s --timeout=1s --start-period=1s"
    " --start-interval=1s --retries=2 CMD true",
    "LABEL": "FROM scratch\nLABEL a=1",
    "MAINTAINER": "FROM scratch\nMAINTAINER somebody",
    "ONBUILD": "FROM scratch\nONBUILD RUN true",
    "RUN": "FROM scratch\nRUN true",
    "RUN --device": "FROM scratch\nRUN --device=vendor/class=name true",
    "RUN --mount=type=bind": "FROM scratch\nRUN --mount=target=/x true",
    "RUN --mount=type=cache": "FROM scratch\nRUN --mount=type=cache,target=/x true",
    "RUN --mount=type=secret": "FROM scratch\nRUN --mount=type=secret,id=x true",
    "RUN --mount=type=ssh": "FROM scratch\nRUN --mount=type=ssh true",
    "RUN --mount=type=tmpfs": "FROM scratch\nRUN --mount=type=tmpfs,target=/x true",
    "RUN --network": "FROM scratch\nRUN --network=none true",
    "RUN --security": "FROM scratch\nRUN --security=sandbox true",
    "SHELL": 'FROM scratch\nSHELL ["/bin/sh", "-c"]',
    "STOPSIGNAL": "FROM scratch\nSTOPSIGNAL SIGINT",
    "USER": "FROM scratch\nUSER 1:2",
    "VOLUME": "FROM scratch\nVOLUME /data",
    "WORKDIR": "FROM scratch\nWORKDIR /x",
}
"""Directives, instructions and their flags, each with a Dockerfile that has it."""
