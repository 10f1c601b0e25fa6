#!/usr/bin/env bash
# Solidity: forge's tests, the committed artifacts against their sources, the committed gas snapshot against the code.
set -euo pipefail
. "$(dirname "$0")/common.sh"

step "npm packages of the contracts" npm_ci "$top/contracts"
cd "$top/contracts"
step "contracts: artifacts match sources" npm run --silent check
step "contracts: forge tests" npm run --silent test
step "contracts: gas snapshot" npm run --silent snapshot:check
