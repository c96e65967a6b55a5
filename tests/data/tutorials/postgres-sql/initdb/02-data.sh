#!/bin/bash
set -e
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<-SQL
	INSERT INTO ships VALUES ('Vasa'), ('Batavia');
SQL
