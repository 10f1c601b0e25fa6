#!/usr/bin/env bash
# The long simulation of the consensus, in a release build. Arguments go to ledger-soak, for instance --validators 4 or --mutants.
set -euo pipefail
. "$(dirname "$0")/common.sh"

cd "$top"
# One crate alone: nothing of the node is in it, and its release build takes minutes instead of a quarter of an hour.
step "cargo build --release ledger-soak" cargo build --release --locked --package ledger-tests --bin ledger-soak
"$(target_dir)/release/ledger-soak" "$@"
