#!/bin/sh
# One database and one user each for the event store, Dagster and MLflow, so that none can read another's.
# Run by the image when its volume is fresh.
set -eu

create() {
    # psql quotes the values itself (:"name", :'password'), and reads the password from the environment: arguments
    # are seen by every process.
    psql --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 \
        --set name="$1" <<SQL
\\getenv password $2
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

create monitor MONITOR_DB_PASSWORD
create dagster DAGSTER_DB_PASSWORD
create mlflow MLFLOW_DB_PASSWORD
