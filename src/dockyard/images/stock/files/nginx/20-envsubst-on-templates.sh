#!/bin/sh
# Templates become configurations: variables of the environment, and no others, are filled in.
set -e

ME=$(basename "$0")
templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
stream_suffix=${NGINX_ENVSUBST_STREAM_TEMPLATE_SUFFIX:-.stream-template}
stream_output=${NGINX_ENVSUBST_STREAM_OUTPUT_DIR:-/etc/nginx/stream-conf.d}

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$ME: $*"
}

# The templates of one suffix, into one directory, with the directories that they are in.
fill() {
    if [ ! -w "$3" ]; then
        echo >&2 "$ME: ERROR: $templates exists, but $3 is not writable"
        return
    fi
    find "$templates" -follow -type f -name "*$2" | while read -r template; do
        relative=${template#"$templates"/}
        target=$3/${relative%"$2"}
        mkdir -p "$(dirname "$target")"
        say "Running envsubst on $template to $target"
        envsubst "$1" < "$template" > "$target"
    done
}

# nginx's own configuration has to read the stream's.
add_stream() {
    grep -qE '^[[:space:]]*stream[[:space:]]*\{' /etc/nginx/nginx.conf && return
    if ! touch /etc/nginx/nginx.conf 2>/dev/null; then
        echo >&2 "$ME: ERROR: stream templates exist, but /etc/nginx/nginx.conf is not writable"
        return
    fi
    say "Appending stream block to /etc/nginx/nginx.conf to include $stream_output/*.conf"
    printf '\nstream {\n    include %s/*.conf;\n}\n' "$stream_output" >> /etc/nginx/nginx.conf
}

[ -d "$templates" ] || exit 0

filter=${NGINX_ENVSUBST_FILTER:-}
variables=$(awk -v filter="$filter" 'BEGIN {
    for (name in ENVIRON)
        if (name ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && name ~ filter) printf "${%s} ", name
}')
fill "$variables" "$suffix" "$output"
if find "$templates" -follow -type f -name "*$stream_suffix" | grep -q .; then
    mkdir -p "$stream_output"
    fill "$variables" "$stream_suffix" "$stream_output"
    add_stream
fi
