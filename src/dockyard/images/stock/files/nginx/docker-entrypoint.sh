#!/bin/sh
# Before nginx starts, what is in /docker-entrypoint.d configures it, in the order of the names.
set -e

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

configure() {
    if ! find /docker-entrypoint.d/ -mindepth 1 -maxdepth 1 -type f 2>/dev/null | read -r _; then
        say "No files found in /docker-entrypoint.d/, skipping configuration"
        return
    fi
    say "/docker-entrypoint.d/ is not empty, will attempt to perform configuration"
    say "Looking for shell scripts in /docker-entrypoint.d/"
    for file in $(find /docker-entrypoint.d/ -follow -type f | sort -V); do
        case "$file" in
        *.envsh)
            if [ -x "$file" ]; then
                say "Sourcing $file"
                . "$file"
            else
                say "Ignoring $file, not executable"
            fi
            ;;
        *.sh)
            if [ -x "$file" ]; then
                say "Launching $file"
                "$file"
            else
                say "Ignoring $file, not executable"
            fi
            ;;
        *) say "Ignoring $file" ;;
        esac
    done
    say "Configuration complete; ready for start up"
}

case "${1-}" in
nginx | nginx-debug) configure ;;
esac

exec "$@"
