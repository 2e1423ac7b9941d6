#!/bin/sh
# The MLflow server: runs in PostgreSQL, files in the object store, nobody in without a password.
set -eu
: "${POSTGRES_HOST:?}" "${POSTGRES_PORT:?}" "${POSTGRES_USER:?}" "${POSTGRES_PASSWORD:?}" "${POSTGRES_DB:?}"
: "${BUCKET:?}" "${MLFLOW_PORT:?}" "${MLFLOW_ALLOWED_HOSTS:?}" "${MLFLOW_FLASK_SERVER_SECRET_KEY:?}"
: "${MLFLOW_TRACKING_USERNAME:?}" "${MLFLOW_TRACKING_PASSWORD:?}"

python "$(dirname "$0")/make_bucket.py"

# In the environment and in a private file: arguments can be read by every process of the machine.
MLFLOW_BACKEND_STORE_URI="postgresql://$POSTGRES_USER:$POSTGRES_PASSWORD@$POSTGRES_HOST:$POSTGRES_PORT/$POSTGRES_DB"
MLFLOW_AUTH_ADMIN_PASSWORD=$MLFLOW_TRACKING_PASSWORD
MLFLOW_AUTH_CONFIG_PATH=$(mktemp)
export MLFLOW_BACKEND_STORE_URI MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_AUTH_CONFIG_PATH
cat >"$MLFLOW_AUTH_CONFIG_PATH" <<END
[mlflow]
default_permission = READ
database_uri = $MLFLOW_BACKEND_STORE_URI
admin_username = $MLFLOW_TRACKING_USERNAME
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
END

export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true
exec mlflow server --app-name basic-auth --host "${MLFLOW_HOST:-0.0.0.0}" --port "$MLFLOW_PORT" \
  --workers "${MLFLOW_WORKERS:-2}" --allowed-hosts "$MLFLOW_ALLOWED_HOSTS" \
  --artifacts-destination "s3://$BUCKET/mlflow" --uvicorn-opts "--log-level=warning"
