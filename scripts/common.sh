# What demo.sh and test.sh have in common: read by them, not run. Bash.

say() { printf '%s\n' "$*"; }

# die MESSAGE NEXT: stops with a cause and what to do about it.
die() {
    printf 'error: %s\nNext: %s\n' "$1" "$2" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages PACKAGE...: installs those Debian packages that are missing.
need_packages() {
    command -v dpkg-query >/dev/null || {
        say "no Debian packages here; needed are: $*"
        return
    }
    local package missing=()
    for package in "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        *'ok installed') ;;
        *) missing+=("$package") ;;
        esac
    done
    [ ${#missing[@]} = 0 ] && return
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "packages are missing: ${missing[*]}" "as root: apt-get install ${missing[*]}"
    say "installing packages: ${missing[*]}"
    as_root apt-get update -qq || say "apt-get update failed; trying with the lists there are"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install ${missing[*]}" "run apt-get install by hand and see what it says"
}

# need_program PROGRAM PACKAGE: the package, where no such program is there from elsewhere.
need_program() {
    command -v "$1" >/dev/null || need_packages "$2"
}

need_system() {
    need_packages build-essential pkg-config cmake clang libclang-dev fuse3 poppler-utils ca-certificates
    need_program python3 python3
    python3 -m pip --version >/dev/null 2>&1 || need_packages python3-pip
    [ -e /dev/fuse ] || die "there is no /dev/fuse" "load the module: modprobe fuse"
    [ "$(id -u)" = 0 ] || [ -w /dev/fuse ] || die "/dev/fuse cannot be opened by $(id -un)" "as root: chmod 666 /dev/fuse"
}

# A Rust new enough, from wherever it comes; installed with rustup where there is none.
need_rust() {
    local wanted found
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        say "Rust is missing: installing it with rustup into $HOME/.cargo (nothing outside it is changed)"
        need_program curl curl
        curl --proto '=https' --tlsv1.2 --max-time 60 -sSf https://sh.rustup.rs -o "$scratch/rustup.sh" &&
            sh "$scratch/rustup.sh" -y --profile default --no-modify-path >/dev/null &&
            . "$HOME/.cargo/env" ||
            die "Rust could not be installed" "install Rust $wanted or newer (rustup), then run this again"
    fi
    found=$(rustc --version | cut -d' ' -f2) || die "rustc does not run" "reinstall Rust with rustup"
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -1)" = "$wanted" ] ||
        die "Rust $found is too old" "install Rust $wanted or newer: rustup update"
}

# need_models NAME...: fetched once, then only looked at.
need_models() {
    scripts/models.sh "$@" || die "the models could not be fetched" "run scripts/models.sh $* and see what it says"
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/echofs-script.XXXXXX")
