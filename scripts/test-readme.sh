#!/bin/bash
# Does what the README says, in its words: a home directory of its own, some notes, every command of its last section.
# Release build and models are used where they are; what is missing is built and fetched.
set -eu -o pipefail
exec </dev/null
cd "$(dirname "$0")/.."
. scripts/common.sh

# section TITLE: the commands of the code block below a heading of the README.
section() {
    awk -v title="## $1" '$0 == title { on = 1 } on && /^```/ { if (++fence == 2) exit; next } on && fence == 1' README.md
}

[ "$(section 'Try it' | sed 's/ *#.*//')" = $'scripts/demo.sh\nscripts/test.sh' ] ||
    die "the README names other commands than scripts/demo.sh and scripts/test.sh" "change this test with it"
own=$(section 'Your own notes')
[ -n "$own" ] || die "the README has no command for one's own notes" "look at its section 'Your own notes'"

export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export ECHOFS_MODELS=${ECHOFS_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/echofs/models}
if [ -n "${CARGO_TARGET_DIR:-}" ] && [ ! -e target ]; then
    ln -s "$(realpath "$CARGO_TARGET_DIR")" target
    linked=yes
fi
export HOME=$scratch/home
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
ended() {
    echofs umount "$HOME/echo" 2>/dev/null || echofs umount --lazy "$HOME/echo" 2>/dev/null || true
    [ -z "${linked:-}" ] || rm -f target
    rm -rf --one-file-system "$scratch"
}
trap ended EXIT
PATH=$PWD/target/release:$PATH
mkdir -p "$HOME/notes" "$HOME/echo"
echo 'The spare key of the boat shed hangs behind the oilskins.' >"$HOME/notes/boat.md"

say "\$ $own"
bash -euc "$own"
echofs wait ~/echo --timeout 120
ls ~/echo | grep -qx ask
grep -q '^# ' ~/echo/README.md
cat "$HOME/echo/ask/where does the spare key of the boat shed hang?" | tee "$scratch/said"
grep -q 'notes/boat.md:1' "$scratch/said"
echofs doctor
echofs --help >/dev/null
echofs model info qwen2.5-coder-1.5b-q4_k_m >/dev/null
scripts/models.sh --list >/dev/null
echofs umount ~/echo
! grep -q " $HOME/echo " /proc/self/mountinfo
