#!/usr/bin/env bash
# The whole run, each step a job of the cluster, in the order in which each reads what another wrote:
#   cluster/chain.sh jobs/recipes/paper                        every step that has a recipe there
#   cluster/chain.sh jobs/recipes/paper curate samples         these alone
#   cluster/chain.sh jobs/recipes/paper serve=cluster/serve/gpu.yaml
# RAY_API_SERVER_ADDRESS and the token say which cluster, GEORAY_STORAGE which folder all nodes
# share; GEORAY_ENV names further variables that the jobs need (keys, AWS_ENDPOINT_URL …), separated
# by spaces. Ended half-way, the same command goes on: what is done is not done again. The jobs stay
# when this script ends; `ray job list` finds them, `ray job stop` stops one.
set -euo pipefail

recipes=${1:?which folder of recipes}
shift
: "${GEORAY_STORAGE:?set it to the folder that all nodes share}"
: "${RAY_API_SERVER_ADDRESS:?set it to the dashboard of the cluster, http://HOST:8265}"
steps=("$@")
[[ $# -gt 0 ]] || steps=(points collect clues curate samples train predict evaluate)

read -ra names <<< "GEORAY_STORAGE ${GEORAY_ENV:-}"
environment=$(python - "${names[@]}" << 'python'
import json, os, sys
print(json.dumps({"env_vars": {name: os.environ[name] for name in sys.argv[1:]}}))
python
)

for step in "${steps[@]}"; do
  if [[ $step == serve=* ]]; then
    echo "== serve deploy ${step#serve=}"
    serve deploy --address "$RAY_API_SERVER_ADDRESS" "${step#serve=}"   # its nodes have GEORAY_STORAGE
  elif [[ -f $recipes/$step.yaml ]]; then
    echo "== ray job submit … python -m jobs.$step --recipe $recipes/$step.yaml"
    ray job submit --working-dir . --runtime-env-json "$environment" --entrypoint-num-cpus 1 -- \
      python -m "jobs.$step" --recipe "$recipes/$step.yaml"
  else
    echo "== $step: no recipe in $recipes"
  fi
done
