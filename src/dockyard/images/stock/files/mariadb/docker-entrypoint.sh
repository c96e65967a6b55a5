#!/usr/bin/env bash
# Starts MariaDB. Where its directory has no database yet, one is made first, as the variables
# MARIADB_* (or MYSQL_*) say, and the scripts in /docker-entrypoint-initdb.d fill it.
set -eo pipefail

note() {
    printf '%s [%s] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$1" "$2"
}

fail() {
    note ERROR "$1" >&2
    exit 1
}

# The value of a variable, or the content of the file that its twin NAME_FILE names.
take() {
    local name=$1 file=${1}_FILE value=${2-}
    if [ -n "${!name-}" ] && [ -n "${!file-}" ]; then
        fail "Both $name and $file are set (but are exclusive)"
    fi
    if [ -n "${!name-}" ]; then
        value=${!name}
    elif [ -n "${!file-}" ]; then
        value=$(< "${!file}")
    fi
    export "$name=$value"
    unset "$file"
}

# MARIADB_NAME, for which MYSQL_NAME may stand.
setting() {
    local other="MYSQL_$1"
    take "$other"
    take "MARIADB_$1" "${!other:-${2-}}"
}

settings() {
    setting ROOT_HOST %
    setting DATABASE
    setting USER
    setting PASSWORD
    setting PASSWORD_HASH
    setting ROOT_PASSWORD
    setting ROOT_PASSWORD_HASH
    setting ALLOW_EMPTY_ROOT_PASSWORD "${MYSQL_ALLOW_EMPTY_PASSWORD-}"
    setting RANDOM_ROOT_PASSWORD
    setting INITDB_SKIP_TZINFO
}

# What the server would have for its settings, with this command line.
ask_server() {
    if ! configuration=$("${server[@]}" --verbose --help); then
        fail "mariadbd failed while attempting to check config"
    fi
}

value_of() {
    awk -v name="$1" '$1 == name && /^[a-z]/ { print $2; exit }' <<< "$configuration"
}

directories() {
    mkdir -p "$data" "${socket%/*}"
    find "$data" ! -user mysql -exec chown mysql: '{}' +
    find "${socket%/*}" -maxdepth 0 ! -user mysql -exec chown mysql: '{}' +
}

refuse_without_password() {
    if [ -z "$MARIADB_ROOT_PASSWORD$MARIADB_ROOT_PASSWORD_HASH$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD$MARIADB_RANDOM_ROOT_PASSWORD" ]; then
        fail "Database is uninitialized and password option is not specified
	You need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD"
    fi
    if [ -n "$MARIADB_PASSWORD$MARIADB_PASSWORD_HASH" ] && [ -z "$MARIADB_USER" ]; then
        note Warn "MARIADB_PASSWORD has no effect without MARIADB_USER" >&2
    fi
    if [ "$MARIADB_USER" = root ]; then
        fail "MARIADB_USER=\"root\", MARIADB_USER and MARIADB_PASSWORD are for configuring a regular user and cannot be used for the root user"
    fi
    if [ -n "$MARIADB_USER" ] && [ -z "$MARIADB_PASSWORD$MARIADB_PASSWORD_HASH" ]; then
        fail "MARIADB_PASSWORD or MARIADB_PASSWORD_HASH is needed for MARIADB_USER"
    fi
}

# Statements, or those of standard input, as root over the socket.
query() {
    MYSQL_PWD=$current mariadb --protocol=socket -uroot -hlocalhost --socket="$socket" --database="${database-}" "$@"
}

# The name by which scripts in /docker-entrypoint-initdb.d that are sourced know it.
docker_process_sql() {
    query "$@"
}

# While the database is made, the server listens on its socket alone.
start_alone() {
    "${server[@]}" --skip-networking --default-time-zone=SYSTEM --socket="$socket" --wsrep_on=OFF \
        --expire-logs-days=0 --loose-innodb_buffer_pool_load_at_startup=0 &
    running=$!
    note Note "Waiting for server startup"
    local attempt
    for attempt in {1..120}; do
        if query -e 'SELECT 1' > /dev/null 2>&1; then
            return
        fi
        kill -0 "$running" 2> /dev/null || break
        sleep 0.5
    done
    fail "Unable to start server."
}

stop_alone() {
    kill "$running"
    wait "$running"
}

# A text as a literal of SQL.
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

identified() {
    if [ -n "$2" ]; then
        printf 'IDENTIFIED BY PASSWORD %s' "$(quoted "$2")"
    else
        printf 'IDENTIFIED BY %s' "$(quoted "$1")"
    fi
}

root_statements() {
    local how
    how=$(identified "$MARIADB_ROOT_PASSWORD" "$MARIADB_ROOT_PASSWORD_HASH")
    echo "SET @@SESSION.SQL_LOG_BIN=0;"
    echo "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';"
    echo "EXECUTE IMMEDIATE CONCAT('DROP USER IF EXISTS root@\\'', @@hostname, '\\'');"
    echo "ALTER USER root@localhost $how;"
    if [ -n "$MARIADB_ROOT_HOST" ] && [ "$MARIADB_ROOT_HOST" != localhost ]; then
        echo "CREATE USER root@$(quoted "$MARIADB_ROOT_HOST") $how;"
        echo "GRANT ALL ON *.* TO root@$(quoted "$MARIADB_ROOT_HOST") WITH GRANT OPTION;"
        echo "GRANT PROXY ON ''@'%' TO root@$(quoted "$MARIADB_ROOT_HOST") WITH GRANT OPTION;"
    fi
}

# For healthcheck.sh: an account without rights, whose password is kept beside the data.
health_statements() {
    local password
    password=$(head -c 24 /dev/urandom | base64 -w 0)
    local host
    for host in 127.0.0.1 ::1 localhost; do
        echo "CREATE USER healthcheck@'$host' IDENTIFIED BY $(quoted "$password");"
        echo "GRANT USAGE ON *.* TO healthcheck@'$host';"
    done
    (
        umask 0077
        printf '[mariadb-client]\nport=%s\nsocket=%s\nuser=healthcheck\npassword=%s\n' \
            "$port" "$socket" "$password" > "$data/.my-healthcheck.cnf"
    )
}

user_statements() {
    if [ -n "$MARIADB_DATABASE" ]; then
        echo "CREATE DATABASE IF NOT EXISTS \`${MARIADB_DATABASE//\`/\`\`}\`;"
    fi
    [ -n "$MARIADB_USER" ] || return 0
    echo "CREATE USER $(quoted "$MARIADB_USER")@'%' $(identified "$MARIADB_PASSWORD" "$MARIADB_PASSWORD_HASH");"
    if [ -n "$MARIADB_DATABASE" ]; then
        local pattern=${MARIADB_DATABASE//\`/\`\`}  # in a grant, _ stands for any letter
        echo "GRANT ALL ON \`${pattern//_/\\_}\`.* TO $(quoted "$MARIADB_USER")@'%';"
    fi
}

fill() {
    local file
    echo
    for file; do
        case "$file" in
        *.sh)
            if [ -x "$file" ]; then
                note Note "$0: running $file"
                "$file"
            else
                note Note "$0: sourcing $file"
                . "$file"
            fi
            ;;
        *.sql) note Note "$0: running $file"; query < "$file"; echo ;;
        *.sql.gz) note Note "$0: running $file"; gunzip -c "$file" | query; echo ;;
        *.sql.xz) note Note "$0: running $file"; xzcat "$file" | query; echo ;;
        *.sql.zst) note Note "$0: running $file"; zstd -dc "$file" | query; echo ;;
        *) note Warn "$0: ignoring $file" ;;
        esac
        echo
    done
}

initialise() {
    refuse_without_password
    ls /docker-entrypoint-initdb.d/ > /dev/null
    note Note "Initializing database files"
    mariadb-install-db --datadir="$data" --rpm --auth-root-authentication-method=normal \
        --skip-test-db --default-time-zone=SYSTEM --skip-log-bin --expire-logs-days=0 \
        --loose-innodb_buffer_pool_load_at_startup=0 --loose-innodb_buffer_pool_dump_at_shutdown=0
    note Note "Database files initialized"
    current='' database=''
    note Note "Starting temporary server"
    start_alone
    note Note "Temporary server started."
    if [ -z "$MARIADB_INITDB_SKIP_TZINFO" ]; then
        { echo 'SET @@SESSION.SQL_LOG_BIN=0;'; mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo; } \
            | query --database=mysql
    fi
    if [ -n "$MARIADB_RANDOM_ROOT_PASSWORD" ]; then
        MARIADB_ROOT_PASSWORD=$(head -c 24 /dev/urandom | base64 -w 0)
        export MARIADB_ROOT_PASSWORD
        note Note "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
    fi
    { root_statements; health_statements; user_statements; } | query --binary-mode
    if [ -z "$MARIADB_ROOT_PASSWORD_HASH" ]; then
        current=$MARIADB_ROOT_PASSWORD
    fi
    database=$MARIADB_DATABASE
    fill /docker-entrypoint-initdb.d/*
    note Note "Stopping temporary server"
    stop_alone
    note Note "Temporary server stopped"
    echo
    note Note "MariaDB init process done. Ready for start up."
    echo
}

wants_help() {
    local word
    for word; do
        case "$word" in
        -\? | --help | --print-defaults | -V | --version) return 0 ;;
        esac
    done
    return 1
}

case "${1-}" in
-*) set -- mariadbd "$@" ;;
mysqld) set -- mariadbd "${@:2}" ;;
esac

if [ "${1-}" = mariadbd ] && ! wants_help "$@"; then
    server=("$@")
    note Note "Entrypoint script for MariaDB Server ${MARIADB_VERSION-} started."
    shopt -s nullglob
    if [ "$(id -u)" = 0 ]; then
        server+=(--user=mysql)
    fi
    ask_server
    data=$(value_of datadir)
    socket=$(value_of socket)
    port=$(value_of port)
    if [ "$(id -u)" = 0 ]; then
        directories
        note Note "Switching to dedicated user 'mysql'"
        exec setpriv --reuid=mysql --regid=mysql --init-groups -- "${BASH_SOURCE[0]}" "$@"
    fi
    settings
    if [ ! -d "$data/mysql" ]; then
        initialise
    fi
fi

exec "$@"
