#!/usr/bin/env bash
# Whether the server is well: all of the tests that are named have to pass. They use the account
# that the entrypoint made for this, unless --su-mysql, --su=USER or --no-defaults comes before.
set -eo pipefail

data=/var/lib/mysql
defaults=()
[ -f "$data/.my-healthcheck.cnf" ] && defaults=("--defaults-extra-file=$data/.my-healthcheck.cnf")

query() {
    mariadb "${defaults[@]}" --skip-column-names --batch -e "$1"
}

# Over TCP: while the database is made, the server answers on its socket alone.
connect() {
    mariadb "${defaults[@]}" -h localhost --protocol tcp --skip-column-names --batch -e 'SELECT 1' > /dev/null
}

innodb_initialized() {
    [ "$(query "SELECT 1 FROM information_schema.ENGINES WHERE engine='innodb' AND support IN ('YES', 'DEFAULT', 'ENABLED')")" = 1 ]
}

innodb_buffer_pool_loaded() {
    [ "$(query "SELECT VARIABLE_VALUE RLIKE 'complete' FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='Innodb_buffer_pool_load_status'")" = 1 ]
}

mariadbupgrade() {
    mariadb-upgrade "${defaults[@]}" --check-if-upgrade-is-needed > /dev/null && return 1 || return 0
}

if [ $# = 0 ]; then
    echo >&2 "healthcheck: at least one test is needed, such as --connect"
    exit 1
fi

for word; do
    case "$word" in
    --connect) connect ;;
    --innodb_initialized) innodb_initialized ;;
    --innodb_buffer_pool_loaded) innodb_buffer_pool_loaded ;;
    --mariadbupgrade) mariadbupgrade ;;
    --no-defaults) defaults=() ;;
    --defaults-file=* | --defaults-extra-file=*) defaults=("$word") ;;
    --datadir=*) data=${word#*=}; defaults=("--defaults-extra-file=$data/.my-healthcheck.cnf") ;;
    --su-mysql) exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "${@/#--su-mysql/--no-defaults}" ;;
    *) echo >&2 "healthcheck: unknown test or option $word"; exit 1 ;;
    esac
done
