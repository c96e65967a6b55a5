#!/usr/bin/env bash
# Starts PostgreSQL. Where its directory has no database yet, one is made first, as the variables
# POSTGRES_* say, and the scripts in /docker-entrypoint-initdb.d fill it.
set -Eeo pipefail

# The value of a variable, or the content of the file that its twin NAME_FILE names.
take() {
    local name=$1 file=${1}_FILE value=${2-}
    if [ -n "${!name-}" ] && [ -n "${!file-}" ]; then
        echo >&2 "error: both $name and $file are set (but are exclusive)"
        exit 1
    fi
    if [ -n "${!name-}" ]; then
        value=${!name}
    elif [ -n "${!file-}" ]; then
        value=$(< "${!file}")
    fi
    export "$name=$value"
    unset "$file"
}

settings() {
    take POSTGRES_PASSWORD
    take POSTGRES_USER postgres
    take POSTGRES_DB "$POSTGRES_USER"
    take POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
}

# Root makes what is missing, and gives it to the server's user; others do what they may.
directories() {
    mkdir -p "$PGDATA" /var/run/postgresql || :
    chmod 0700 "$PGDATA" || :
    chmod 03775 /var/run/postgresql || :
    if [ -n "${POSTGRES_INITDB_WALDIR-}" ]; then
        mkdir -p "$POSTGRES_INITDB_WALDIR"
        chmod 0700 "$POSTGRES_INITDB_WALDIR"
    fi
    [ "$(id -u)" = 0 ] || return 0
    find "$PGDATA" ! -user postgres -exec chown postgres '{}' +
    find /var/run/postgresql ! -user postgres -exec chown postgres '{}' +
    if [ -n "${POSTGRES_INITDB_WALDIR-}" ]; then
        find "$POSTGRES_INITDB_WALDIR" ! -user postgres -exec chown postgres '{}' +
    fi
}

refuse_without_password() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
        cat >&2 <<-'END'
			Error: Database is uninitialized and superuser password is not specified.
			       You must specify POSTGRES_PASSWORD to a non-empty value for the
			       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

			       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
			       connections without a password. This is *not* recommended.

			       See PostgreSQL documentation about "trust":
			       https://www.postgresql.org/docs/current/auth-trust.html
		END
        exit 1
    fi
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
        cat >&2 <<-'END'
			WARNING: POSTGRES_HOST_AUTH_METHOD is "trust": whoever reaches the server's
			         port has full access to the database, with any password or none.
		END
    fi
}

# A user that only a number names has no entry that initdb could look up: one is lent to it.
lend_account() {
    getent passwd "$(id -u)" > /dev/null && return
    local library
    for library in /usr/lib/*/libnss_wrapper.so; do
        [ -s "$library" ] || continue
        NSS_WRAPPER_PASSWD=$(mktemp)
        NSS_WRAPPER_GROUP=$(mktemp)
        echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" > "$NSS_WRAPPER_PASSWD"
        echo "postgres:x:$(id -g):" > "$NSS_WRAPPER_GROUP"
        export LD_PRELOAD=$library NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
        return
    done
}

take_account_back() {
    [[ ${LD_PRELOAD-} == */libnss_wrapper.so ]] || return 0
    rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
    unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
}

make_cluster() {
    local -a more
    eval "more=($POSTGRES_INITDB_ARGS)"
    [ -z "${POSTGRES_INITDB_WALDIR-}" ] || more=(--waldir "$POSTGRES_INITDB_WALDIR" "${more[@]}")
    lend_account
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${more[@]}"
    take_account_back
}

# Whoever comes over the network has to say the password, in the way in which it is kept.
admit_hosts() {
    local method
    method=$(postgres -C password_encryption "$@")
    : "${POSTGRES_HOST_AUTH_METHOD:=$method}"
    {
        printf '\n'
        if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
            printf '# warning: trust is enabled for all connections\n'
        fi
        printf 'host all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD"
    } >> "$PGDATA/pg_hba.conf"
}

# While the database is made, the server listens on its socket alone.
start_alone() {
    set -- "$@" -c listen_addresses='' -p "${PGPORT:-5432}"
    NOTIFY_SOCKET='' PGUSER="${PGUSER:-$POSTGRES_USER}" \
        pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@")" -w start
}

stop_alone() {
    PGUSER="${PGUSER:-postgres}" pg_ctl -D "$PGDATA" -m fast -w stop
}

query() {
    local -a command=(psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc)
    [ -z "$POSTGRES_DB" ] || command+=(--dbname "$POSTGRES_DB")
    PGHOST='' PGHOSTADDR='' "${command[@]}" "$@"
}

# The name by which scripts in /docker-entrypoint-initdb.d that are sourced know it.
docker_process_sql() {
    query "$@"
}

make_database() {
    local there
    there=$(POSTGRES_DB='' query --dbname postgres --set db="$POSTGRES_DB" --tuples-only \
        <<< "SELECT 1 FROM pg_database WHERE datname = :'db';")
    if [ -z "$there" ]; then
        POSTGRES_DB='' query --dbname postgres --set db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
        printf '\n'
    fi
}

fill() {
    local file
    printf '\n'
    for file; do
        case "$file" in
        *.sh)
            if [ -x "$file" ]; then
                printf '%s: running %s\n' "$0" "$file"
                "$file"
            else
                printf '%s: sourcing %s\n' "$0" "$file"
                . "$file"
            fi
            ;;
        *.sql) printf '%s: running %s\n' "$0" "$file"; query -f "$file"; printf '\n' ;;
        *.sql.gz) printf '%s: running %s\n' "$0" "$file"; gunzip -c "$file" | query; printf '\n' ;;
        *.sql.xz) printf '%s: running %s\n' "$0" "$file"; xzcat "$file" | query; printf '\n' ;;
        *.sql.zst) printf '%s: running %s\n' "$0" "$file"; zstd -dc "$file" | query; printf '\n' ;;
        *) printf '%s: ignoring %s\n' "$0" "$file" ;;
        esac
        printf '\n'
    done
}

initialise() {
    refuse_without_password
    # A script that can't be read is found out before anything is made.
    ls /docker-entrypoint-initdb.d/ > /dev/null
    make_cluster
    admit_hosts "$@"
    export PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
    start_alone "$@"
    make_database
    fill /docker-entrypoint-initdb.d/*
    stop_alone
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

wants_help() {
    local word
    for word; do
        case "$word" in
        -\? | --help | --describe-config | -V | --version) return 0 ;;
        esac
    done
    return 1
}

case "${1-}" in
-*) set -- postgres "$@" ;;
esac

if [ "${1-}" = postgres ] && ! wants_help "$@"; then
    settings
    directories
    if [ "$(id -u)" = 0 ]; then
        export HOME=/var/lib/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups -- "${BASH_SOURCE[0]}" "$@"
    fi
    if [ -s "$PGDATA/PG_VERSION" ]; then
        printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
    else
        initialise "${@:2}"
    fi
fi

exec "$@"
