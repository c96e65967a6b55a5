#!/bin/sh
# Options alone are for memcached.
set -e

case "${1-}" in
-*) set -- memcached "$@" ;;
esac

exec "$@"
