#!/usr/bin/env bash
# The long campaign of faults between the relayer and a mainchain: anvil with the real contract. Arguments go to ledger-relayer-faults.
set -euo pipefail
. "$(dirname "$0")/common.sh"

step "npm packages: anvil" npm_ci "$top/tests/js"
"$top/scripts/build.sh" --bins --example ledger-relayer-faults
exec "$(target_dir)/debug/examples/ledger-relayer-faults" "$@"
