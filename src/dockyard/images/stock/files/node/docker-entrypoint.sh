#!/bin/sh
# Options, scripts and all that is no program are for node.
set -e

if [ "${1#-}" != "${1-}" ] || ! command -v "${1-}" >/dev/null || { [ -f "$1" ] && [ ! -x "$1" ]; }; then
    set -- node "$@"
fi

exec "$@"
