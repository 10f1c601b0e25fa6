#!/usr/bin/env bash
# How fast is a build for speed on this machine? First the node over JSON-RPC, beside anvil; then codes issued over JSON-RPC, a report of
# their use, and blocks imported beside what the processor allows, over small and large states: CODES="10000,1000000" names other
# numbers of live codes than these, which take a quarter of an hour. Arguments go to the first part.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

npm_ci "$top/tests/js"
"$top/scripts/build.sh" --profile maxperf --bin ledger-node --bin passport --bin ledger-bench
"$(target_dir)/maxperf/ledger-bench" "$@"
export CODES=${CODES:-10000,1000000,5000000}
"$(target_dir)/maxperf/ledger-bench" codes --live "$CODES"
"$(target_dir)/maxperf/ledger-bench" report
cd "$top"
cargo bench --workspace --locked --profile maxperf --bench blocks
