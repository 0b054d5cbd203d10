#!/bin/bash
# Builds EchoFS, mounts a sample vault and shows a session with it: a listing, a search, questions, a new note.
#
#   scripts/demo.sh                 everything it needs is installed, fetched and built first
#   scripts/demo.sh --keep          leaves it mounted and says where
#   scripts/demo.sh --debug         uses the debug build, as the tests do
#   scripts/demo.sh --model NAME    another language model (scripts/models.sh --list)
#
# May be run again and again. Everything of the session itself is in a temporary directory, removed at the end.
set -u -o pipefail
exec </dev/null
cd "$(dirname "$0")/.." || exit 1
. scripts/common.sh

keep=no
build=release
model=qwen2.5-coder-1.5b-q4_k_m
while [ $# != 0 ]; do
    case $1 in
    --keep) keep=yes ;;
    --debug) build=debug ;;
    --model)
        model=${2:-}
        shift
        ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
    shift
done

stage=
models=
cleanup() {
    trap - EXIT INT TERM
    [ -z "$models" ] || kill "$models" 2>/dev/null
    if [ -n "$stage" ]; then
        timeout 30 echofs --data "$stage/data" umount "$stage/echo" 2>/dev/null ||
            timeout 30 echofs --data "$stage/data" umount --lazy "$stage/echo" 2>/dev/null
        rm -rf --one-file-system "$stage"
    fi
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'cleanup; exit 130' INT TERM

# show COMMAND: prints the command as typed, runs it with a time limit, prints what it says.
show() {
    printf '\n$ %s\n' "$1"
    timeout "${2:-240}" bash -c "$1" 2>&1 | tee "$scratch/said"
    [ "${PIPESTATUS[0]}" != 124 ] || wrong_because "this took longer than ${2:-240} seconds"
}

wrong=0
wrong_because() {
    say "!! $1"
    wrong=$((wrong + 1))
}

# expect TEXT WHAT: the last command must have said this.
expect() {
    grep -qiF -- "$1" "$scratch/said" || wrong_because "expected here: $2 ($1)"
}

say "== what it needs"
need_system
need_rust
scripts/models.sh onnxruntime all-minilm-l6-v2-dyn8 "$model" >"$scratch/models.log" 2>&1 &
models=$!

say "== building (about ten minutes the first time)"
options=(--workspace --bins)
[ -t 2 ] || options+=(--quiet)
[ "$build" = debug ] || options+=(--release)
cargo build "${options[@]}" || die "the build failed" "read what the compiler says above"
PATH="$(realpath "${CARGO_TARGET_DIR:-target}")/$build:$PATH"

say "== models"
tail -n +1 -f --pid="$models" "$scratch/models.log"
wait "$models" && models= || die "the models could not be fetched" "run scripts/models.sh and see what it says"

say "== a session"
stage=$(mktemp -d "${TMPDIR:-/tmp}/echofs-demo.XXXXXX")
cp -r fixtures/vault "$stage/vault"
cd "$stage" || exit 1

show "echofs --data data mount echo --source vault --model $model" 60
expect "mounted on" "a mount"
show "echofs wait echo --timeout 300"
show "ls -A echo echo/knowledge"
expect "ask" "the tree"
show "cat echo/status"
expect "documents" "the state"

show "ls 'echo/search/heat pump price limit:5'"
expect "results.jsonl" "a result directory"
show "cat 'echo/search/heat pump price limit:5/results.txt'"
expect "vault/" "lines of documents"

# ask QUESTION GOLD: the answer and its source; the model for tests need not know the answer.
ask() {
    show "cat 'echo/ask/$1'"
    expect "vault/" "a source"
    case $model in smollm2-*) return ;; esac
    expect "$2" "the answer"
    ! grep -q "Not found in your notes." "$scratch/said" || wrong_because "the notes hold the answer: $2"
}
ask "what is the final agreed price of the heat pump?" "11,120"
ask "What is Mateo allergic to?" "cashew"
ask "how much does each farm get for a pole on its land?" "60"

show "cat \"echo/ask/what is Daniel's shoe size?\""
case $model in
smollm2-*) ;;
*) expect "Not found in your notes." "that the notes do not say" ;;
esac

show "echo 'The spare key of the boat shed hangs behind the oilskins.' > echo/knowledge/notes/boat-shed.md"
show "until grep -s boat-shed 'echo/search/where is the key of the boat shed/results.txt'; do sleep 0.1; done" 10
expect "oilskins" "the note that was just saved"

show "ls echo/ask"

if [ "$keep" = yes ]; then
    say ""
    say "It stays mounted on $stage/echo, with the vault in $stage/vault. Try:"
    say "  cat '$stage/echo/ask/when does the band rehearse now?'"
    say "To end it: $(command -v echofs) --data $stage/data umount $stage/echo && rm -r $stage"
    stage=
else
    show "echofs --data data umount echo" 60
    grep -q " $stage/echo " /proc/self/mountinfo && wrong_because "it is still mounted"
fi
say ""
[ "$wrong" = 0 ] || die "$wrong of the demo's expectations did not hold" "look for !! above"
say "The demo has shown all that it should."
