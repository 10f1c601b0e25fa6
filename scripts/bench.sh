#!/usr/bin/env bash
# How fast is a build for speed on this machine? First the node over JSON-RPC, beside anvil; then imports of blocks beside what the
# processor allows, over a small and a large state (CODES="10000,1000000" names other sizes). Arguments go to the first part.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

npm_ci "$top/tests/js"
"$top/scripts/build.sh" --profile maxperf --bin ledger-node --bin ledger-bench
"$(target_dir)/maxperf/ledger-bench" "$@"
cd "$top"
cargo bench --workspace --locked --profile maxperf --bench blocks
