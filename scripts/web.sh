#!/usr/bin/env bash
# The pages of web/: installs their packages, builds them into web/dist/pages, and holds their size against the budget. The next
# `cargo build` puts them into ledger-node. `check` lints and tests them in place of building.
set -euo pipefail
. "$(dirname "$0")/common.sh"

web=$top/web
pages=$web/dist/pages
# What a browser fetches of all pages together, compressed.
budget_bytes=250000

build() {
    # Sources that are older than what was built need no second build.
    if [ -f "$pages/index.html" ] && [ -z "$(newer_sources)" ]; then
        return 0
    fi
    (cd "$web" && npm run --silent build >&2)
    local bytes
    bytes=$(size)
    [ "$bytes" -le "$budget_bytes" ] || fail "the pages have $bytes bytes compressed, and may have $budget_bytes"
    say "the pages have $bytes bytes compressed, of $budget_bytes"
}

newer_sources() {
    find "$web/src" "$web/public" "$web/index.html" "$web/vite.config.ts" "$web/package-lock.json" \
        -newer "$pages/index.html" -print -quit
}

# Bytes of all files, each compressed where that is done.
size() {
    local file total=0
    while IFS= read -r file; do
        [ ! -f "$file.gz" ] || file=$file.gz
        total=$((total + $(stat -c %s "$file")))
    done < <(find "$pages" -type f ! -name '*.gz')
    printf '%s\n' "$total"
}

check() {
    cd "$web"
    npm run --silent lint >&2
    npm run --silent types >&2
    npm test --silent >&2
}

command -v npm >/dev/null || {
    say "npm is missing, so the node is built without its pages, and serves one that says how to build them"
    exit 0
}
step "npm packages of the pages" npm_ci "$web"
case ${1:-build} in
build) step "the pages" build ;;
check) step "the pages: lint, types, unit tests" check ;;
*) fail "usage: scripts/web.sh [build|check]" ;;
esac
