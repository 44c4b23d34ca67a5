#!/bin/sh
# Makes the work pool, if there is none, and registers what prefect.yaml deploys; again after each change of it.
#   RUSHES_POOL_TYPE  process (as it comes), docker or kubernetes
set -eu
type=${RUSHES_POOL_TYPE:-process}
if ! prefect work-pool inspect rushes >/dev/null 2>&1; then
  template=deployments/pools/$type.json
  if [ -f "$template" ]; then
    prefect work-pool create rushes --type "$type" --base-job-template "$template"
  else
    prefect work-pool create rushes --type "$type"
  fi
fi
prefect --no-prompt deploy --all
