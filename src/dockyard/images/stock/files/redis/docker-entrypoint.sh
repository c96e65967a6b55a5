#!/bin/sh
# Starts Redis (or Valkey): options and a configuration alone are for the server, which gives up
# root and owns its data. Any other command runs as it is.
set -e

server=redis-server
[ -x /usr/bin/valkey-server ] && server=valkey-server
account=${server%-server}

case "${1-}" in
-* | *.conf) set -- "$server" "$@" ;;
esac

if [ "${1-}" = "$server" ] && [ "$(id -u)" = 0 ]; then
    find . ! -user "$account" -exec chown "$account" '{}' +
    exec setpriv --reuid="$account" --regid="$account" --clear-groups -- "$0" "$@"
fi

# Files of a database are nobody else's, unless another mask was chosen.
[ "$(umask)" = 0022 ] && umask 0077

# Whether a configuration, or one that it includes, says whom the server talks to.
decides() {
    [ -f "$1" ] || return 1
    grep -qiE '^[[:space:]]*protected-mode[[:space:]]' "$1" && return
    for included in $(sed -nE 's/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]]+//p' "$1"); do
        decides "$included" && return
    done
    return 1
}

# In a container other hosts are the rule; what the user says later on the line still counts.
if [ "${1-}" = "$server" ]; then
    shift
    case "${1-}" in
    -v | --version | -h | --help | --test-memory | --check-system | -) set -- "$server" "$@" ;;
    "" | --*) set -- "$server" --protected-mode no "$@" ;;
    *)
        if decides "$1"; then
            set -- "$server" "$@"
        else
            configuration=$1
            shift
            set -- "$server" "$configuration" --protected-mode no "$@"
        fi
        ;;
    esac
fi

exec "$@"
