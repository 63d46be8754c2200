#!/bin/sh
# Ask a model server for many predictions, and print how fast it answers.
#
#   serving/load_test.sh http://127.0.0.1:8501/v1/models/digits request.json
#
# request.json is a body as a client sends it, like {"instances": [[...]]}. CLIENTS, SECONDS_EACH
# and API_KEY may be set in the environment. Needs hey: `apt install hey`, `brew install hey`.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: $0 URL_OF_THE_MODEL BODY.json" >&2
    exit 2
fi
command -v hey >/dev/null || { echo "$0 needs hey: apt install hey" >&2; exit 2; }
[ -r "$2" ] || { echo "$0: $2 cannot be read" >&2; exit 2; }
# One answer first: a load of errors would look like a fast server.
status=$(curl -s -o /dev/null -w '%{http_code}' -X POST --data-binary @"$2" \
    -H "X-API-Key: ${API_KEY:-}" "$1:predict") || true
if [ "$status" != 200 ]; then
    echo "$0: $1:predict answers $status to $2; it must be 200 before it is worth measuring" >&2
    exit 1
fi
for clients in ${CLIENTS:-1 8 32}; do
    echo "== $clients clients"
    hey -z "${SECONDS_EACH:-10}s" -c "$clients" -m POST -T application/json -D "$2" \
        -H "X-API-Key: ${API_KEY:-}" "$1:predict" |
        grep -E "Requests/sec|50% in|99% in|\[[0-9]+\].*responses"
done
