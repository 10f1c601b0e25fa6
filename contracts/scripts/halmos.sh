#!/usr/bin/env bash
# Proofs about the anchor by halmos, which runs the bytecode on symbols instead of values, in a virtual environment of its own
# outside the clone: every `check_` of test/mainchain/Symbolic.t.sol. Fails on a counterexample, and on a path that was cut off.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.3.3
venv="${XDG_CACHE_HOME:-$HOME/.cache}/cloud-ledger/halmos-$version"
if [ ! -x "$venv/bin/halmos" ]; then
    echo "installing halmos $version into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "halmos==$version"
fi

# halmos builds through forge, which uses scripts/solc.js; apart from other builds, since it wants the syntax trees.
export PATH="$PWD/node_modules/.bin:$venv/bin:$PATH"
export FOUNDRY_PROFILE=mainchain FOUNDRY_OUT=out/halmos FOUNDRY_CACHE_PATH=cache/halmos
# The tests' own loops are the longest: 16 bitmaps.
halmos --forge-build-out out/halmos --contract SymbolicTest --loop 64 "$@" | tee out/halmos.log
if grep -q "not been fully explored" out/halmos.log; then
    echo "error: halmos cut paths off, so that nothing is proven; see the warnings above" >&2
    exit 1
fi
