#!/bin/sh
# The default server listens on IPv6 too, where there is any and nobody has changed its file.
set -e

ME=$(basename "$0")
default=/etc/nginx/conf.d/default.conf

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$ME: info: $*"
}

if [ ! -f /proc/net/if_inet6 ]; then
    say "ipv6 not available"
elif [ ! -f "$default" ]; then
    say "$default is not a file or does not exist"
elif ! cmp -s "$default" /usr/share/nginx/default.conf; then
    say "$default differs from the packaged version"
elif ! touch "$default" 2>/dev/null; then
    say "can not modify $default (read-only file system?)"
else
    # Not in place: who may write the file may not be allowed to make another beside it.
    changed=$(sed -E 's/^( *)listen +80;$/&\n\1listen  [::]:80;/' "$default")
    printf '%s\n' "$changed" > "$default"
    say "Enabled listen on IPv6 in $default"
fi
