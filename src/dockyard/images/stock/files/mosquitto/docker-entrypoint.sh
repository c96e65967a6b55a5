#!/bin/sh
# The broker gives up root by itself; what it writes has to be its own before.
set -e

if [ "$(id -u)" = 0 ] && [ -d /mosquitto ]; then
    chown -R mosquitto:mosquitto /mosquitto || true
fi

exec "$@"
