#!/usr/bin/env bash
# vLLM beside georay, with what jobs/recipes/paper/train-qwen2.5-vl.yaml tuned: one GPU, port 8001.
#   GEORAY_STORAGE=/mnt/georay GEORAY_VLLM_KEY=… cluster/vllm.sh
# It needs an environment of its own (pip install vllm): it brings another torch. The adapters must
# have been joined to one of twice the rank; docs/cluster.md says how.
set -euo pipefail

: "${GEORAY_STORAGE:?set it to the folder that all nodes share}"
export VLLM_API_KEY=${GEORAY_VLLM_KEY:?set it to a key of your choice}

exec vllm serve Qwen/Qwen2.5-VL-7B-Instruct \
  --revision cc594898137f460bfe9f0759e9844b3ce807cfb5 \
  --host "${GEORAY_VLLM_HOST:-127.0.0.1}" --port 8001 \
  --enable-lora --max-lora-rank 128 \
  --lora-modules "reasoning=$GEORAY_STORAGE/train-qwen2.5-vl/adapters/reasoning" \
    "georeasoner=$GEORAY_STORAGE/train-qwen2.5-vl/cat" \
  --max-loras 2 --structured-outputs-config '{"backend": "guidance"}' \
  --enable-prefix-caching --limit-mm-per-prompt '{"image": 1, "video": 0}' \
  --max-model-len 8192 --gpu-memory-utilization 0.9
