#!/bin/sh
set -eu
# With an option, or a file of settings, the program itself knows what is missing.
if [ "$*" = serve ] && [ ! -e .env ] && [ -z "${AUTH_TYPE:-}" ] && [ -z "${CKAN_URL:-}" ]; then
  cat >&2 <<'END'
Nothing says who may write. To try it, where everybody who reaches it may do everything; or with a CKAN that decides:
  docker run -p 127.0.0.1:8000:8000 -v datastore:/data -e AUTH_TYPE=anonymous ckan-datastore
  docker run -p 127.0.0.1:8000:8000 -v datastore:/data -e CKAN_URL=https://ckan.example.org ckan-datastore
END
  exit 1
fi
exec ckan-datastore "$@"
