#!/bin/sh
# Makes what is not there yet, the work pool and the automations, and registers what prefect.yaml deploys; again after
# each change of it. An automation that is there is left alone, because people switch them off and change them.
#   RUSHES_POOL_TYPE  process (as it comes), docker or kubernetes
#   RUSHES_NOTIFY     the block that tells people of runs that fail or do not begin, as TYPE/NAME, like slack-webhook/rushes
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

python -m cli.stack.deploy

# Makes the automation of a file, unless there is one of its name.
automation() {
  name=$(sed -n 's/^name: //p' "$1")
  if ! prefect automation inspect "$name" >/dev/null 2>&1; then
    prefect automation create --from-file "$1"
  fi
}

automation deployments/automations/crash-zombies.yaml
if [ -n "${RUSHES_NOTIFY:-}" ]; then
  id=$(prefect block inspect "$RUSHES_NOTIFY" | grep -Eo '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' | head -n 1)
  if [ -z "$id" ]; then
    echo "RUSHES_NOTIFY = $RUSHES_NOTIFY: there is no such block. Those that are there: prefect block ls" >&2
    exit 2
  fi
  folder=$(mktemp -d)
  trap 'rm -r "$folder"' EXIT
  for file in notify notify-late; do
    sed "s/RUSHES_NOTIFY$/$id/" "deployments/automations/$file.yaml" >"$folder/$file.yaml"
    automation "$folder/$file.yaml"
  done
fi
