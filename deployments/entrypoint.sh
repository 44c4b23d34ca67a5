#!/bin/sh
# A flow run's driver must stand on a node of its Ray cluster. Where RAY_ADDRESS names one, this container becomes a
# node of it that takes no tasks, and then does what it was asked to.
set -eu
if [ -n "${RAY_ADDRESS:-}" ] && [ "${1:-}" != ray ]; then
  # Ray's command reads the variable itself, and would refuse it beside the option.
  (address=$RAY_ADDRESS; unset RAY_ADDRESS; exec ray start --address="$address" --num-cpus=0 >&2)
fi
exec "$@"
