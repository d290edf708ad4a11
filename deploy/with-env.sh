#!/bin/sh
# Run a command with the environment that `xunban stack prepare` wrote for PROCESS (none: as it is).
set -eu
if [ -n "${PROCESS:-}" ]; then
  set -a
  . "${ISSUED:-$(dirname "$0")/../.local/${INSTANCE:-town}/secrets}/${PROCESS%-*}/$PROCESS.env"
  set +a
fi
exec "$@"
