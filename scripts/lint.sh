#!/usr/bin/env bash
# Format, clippy without warnings, the rules for dependencies, and the house's own rules.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb
deny_version=0.20.2

install_deny() {
    # A debug build: it compiles in half the time, and one run of it takes a second.
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$cache/tools/target" \
        cargo install --debug --locked --quiet --root "$cache/tools" --version "$deny_version" cargo-deny
    rm -rf "$cache/tools/target"
}

nothing_ignored_is_tracked() {
    local tracked
    tracked=$(git ls-files --cached --ignored --exclude-standard)
    [ -z "$tracked" ] || fail "these files are ignored and tracked all the same: $tracked"
}

cd "$top"
step "what is built is not in the repository" nothing_ignored_is_tracked
step "format" cargo fmt --all --check
scripts/web.sh check
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
if ! cargo deny --version 2>/dev/null | grep -q "$deny_version"; then
    step "install cargo-deny $deny_version, once, about 4 minutes" install_deny
fi
checks=(bans licenses sources)
advisories=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs
if [ -d "$advisories" ]; then
    checks+=(advisories)
else
    say "no copy of the RustSec database in $advisories: advisories are not checked"
fi
step "dependencies: ${checks[*]}" cargo deny --locked --offline check --hide-inclusion-graph "${checks[@]}"
