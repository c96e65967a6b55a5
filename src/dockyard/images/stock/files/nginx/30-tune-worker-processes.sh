#!/bin/sh
# As many workers as the container has processors, where it was asked for.
set -e

[ -n "${NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE:-}" ] || exit 0

ME=$(basename "$0")
if ! touch /etc/nginx/nginx.conf 2>/dev/null; then
    echo >&2 "$ME: error: can not modify /etc/nginx/nginx.conf (read-only file system?)"
    exit 0
fi

processors=$(nproc)
if [ -r /sys/fs/cgroup/cpu.max ]; then
    read -r quota period < /sys/fs/cgroup/cpu.max
    if [ "$quota" != max ]; then
        allowed=$(((quota + period - 1) / period))
        [ "$allowed" -lt "$processors" ] && processors=$allowed
    fi
fi

changed=$(sed -E "s/^worker_processes.*/worker_processes  $processors;/" /etc/nginx/nginx.conf)
printf '%s\n' "$changed" > /etc/nginx/nginx.conf
