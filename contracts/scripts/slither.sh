#!/usr/bin/env bash
# Static analysis of src/ by slither, in a virtual environment of its own outside the clone: the sidechain's contracts, then the
# mainchain's. Fails on any finding that is not answered beside the code (slither-disable with a reason) or in SLITHER.md
# (detectors excluded as a whole).
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.11.6
venv="${XDG_CACHE_HOME:-$HOME/.cache}/cloud-ledger/slither-$version"
if [ ! -x "$venv/bin/slither" ]; then
    echo "installing slither $version into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "slither-analyzer==$version"
fi

# slither builds through forge, which uses scripts/solc.js.
export PATH="$PWD/node_modules/.bin:$PATH"
for profile in default mainchain; do
    echo "slither, profile $profile"
    FOUNDRY_PROFILE=$profile "$venv/bin/slither" . --config-file slither.config.json "$@"
done
