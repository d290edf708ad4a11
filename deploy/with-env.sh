#!/bin/sh
# Run a command with the environment that `xunban stack prepare` wrote for PROCESS (none: as it is).
set -eu
if [ -n "${PROCESS:-}" ]; then
  set -a
  . "$(dirname "$0")/../.local/${INSTANCE:-town}/env/$PROCESS.env"
  set +a
fi
exec "$@"
