#!/usr/bin/env bash
# Requests and calls per second against a node of a release build that was started for this and runs on this machine alone.
set -euo pipefail
. "$(dirname "$0")/common.sh"

npm_ci "$top/tests/js"
"$top/scripts/build.sh" --release --bins
"$(target_dir)/release/ledger-bench" "$@"
