#!/bin/sh
# Configurations are for "registry serve"; so are options.
set -e

case "${1-}" in
*.yml | *.yaml) set -- registry serve "$@" ;;
serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac

exec "$@"
