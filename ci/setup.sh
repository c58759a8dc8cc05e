# shellcheck shell=bash
# Sourced by ci/quickstart and ci/test: makes sure that what fencelab is built with is here.
#
#   setup install | setup check
#
# On Debian 12 and 13, `install` installs what is missing, as root or through sudo, and says what; `check` only
# says what is missing and ends with 3, the code for infrastructure.

# The oldest Rust that builds fencelab: `rust-version` in Cargo.toml.
rust_wanted=1.88

packages=(
    build-essential                    # crates that build C, and the kernel
    flex bison bc libelf-dev lz4 perl  # the kernel's own tools
    kmod patch xz-utils                # its source unpacked and patched, its modules installed
    linux-source-6.12                  # the guest kernel
    qemu-system-x86                    # the guest
    ca-certificates curl               # crates, and rustup where Debian's Rust is too old
)

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 3; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root or sudo; install them and use --no-install"; fi
}

is_installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing_packages() {
    local package
    for package in "${packages[@]}"; do is_installed "$package" || echo "$package"; done
}

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

has_rust() {
    local version
    version=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
    at_least "$rust_wanted" "${version:-0}" && cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1
}

install_packages() {
    say "installing Debian packages: $*"
    as_root apt-get update -qq || fail "apt-get update"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 \
        || fail "apt-get install $*"
}

# Debian's own Rust is older than that. Debian 13 packages rustup; on Debian 12 it comes from its own site.
install_rust() {
    say "installing Rust with rustup: $rust_wanted or newer is needed, found $(cargo --version 2>/dev/null || echo none)"
    if apt-cache show rustup >/dev/null 2>&1; then
        install_packages rustup
        rustup default stable >&2 || fail "install Rust with rustup"
    else
        curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y --profile default >&2 || fail "install Rust with rustup"
    fi
    export PATH="$HOME/.cargo/bin:$PATH"
}

setup() {
    local missing
    [ -d "$HOME/.cargo/bin" ] && export PATH="$HOME/.cargo/bin:$PATH"
    command -v dpkg-query >/dev/null || fail "this is no Debian; see the packages in ci/setup.sh and use --no-install"
    mapfile -t missing < <(missing_packages)
    if [ "$1" = check ]; then
        [ ${#missing[@]} = 0 ] || fail "these Debian packages are missing: ${missing[*]}"
        has_rust || fail "cargo, clippy and rustfmt $rust_wanted or newer are missing"
        return
    fi
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
    has_rust || install_rust
    has_rust || fail "the Rust that was installed is older than $rust_wanted, or lacks clippy or rustfmt"
}

# What a script was asked: `--no-install` or nothing.
setup_mode() {
    case "$*" in
        '') echo install ;;
        --no-install) echo check ;;
        *) fail "unknown argument: $*; there is --no-install" ;;
    esac
}
