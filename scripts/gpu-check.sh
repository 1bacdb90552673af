#!/bin/sh
# Shows in some minutes what the engine `cuda` does on this machine: installs what it needs, runs the tests of the engines with
# `cuda` demanded, and prints one table of GPU and CPU: the speed of `plainview label`, and of the whole service on a fake
# Orthanc. It needs an NVIDIA driver.
#
#   scripts/gpu-check.sh [--from FOLDER]   FOLDER: the files for scripts/fetch-cuda.sh
set -eu
cd "$(dirname "$0")/.."
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
[ -d node_modules ] || npm ci --no-audit --no-fund
sh scripts/fetch-cuda.sh "$@"
# These tests run the engine in their own process, so it must find here what a worker process is given.
LD_LIBRARY_PATH="$PWD/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" NVIDIA_TF32_OVERRIDE=0 PLAINVIEW_TEST_ENGINES=cuda \
  npx vitest run --project unit test/unit/classify/engines.conformance.test.ts
npm run --silent bench:engines
