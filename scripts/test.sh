#!/usr/bin/env bash
# All tests of the workspace, the whole-system tests included. Uses cargo-nextest where it is installed, cargo's own runner
# where not; both run the same tests. Arguments go to the runner.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

cd "$top"
step "npm packages of the whole-system tests" npm_ci "$top/tests/js"
scripts/web.sh
step "npm packages of the second mainchain" npm_ci "$top/checkpoint/tests/hardhat"
if cargo nextest --version >/dev/null 2>&1; then
    profile=default
    [ -z "${CI:-}" ] || profile=ci
    step "build the tests" cargo nextest run --workspace --locked --profile "$profile" --no-run
    cargo nextest run --workspace --locked --profile "$profile" "$@"
else
    say "cargo-nextest is not installed; cargo test runs the same tests"
    step "build the tests" cargo test --workspace --locked --no-run
    cargo test --workspace --locked "$@"
fi
