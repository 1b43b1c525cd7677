# shellcheck shell=bash
# Messages and the toolchain; sourced by every script. The caller has set -euo pipefail.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}

say() { printf '\n\033[1m==> %s\033[0m\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
fail() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || fail "$1 needs root: it makes network namespaces and loads eBPF programs"
}

# Cargo, and a compiler that is new enough. rustup reads rust-toolchain.toml by itself.
need_cargo() {
	if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
		PATH=$HOME/.cargo/bin:$PATH
	fi
	command -v cargo >/dev/null ||
		fail "cargo is missing: install Rust 1.95 with rustup (see the Rust website), then run this again"
	local version
	version=$(cd "$ROOT" && rustc --version | cut -d' ' -f2)
	[ "$(printf '1.95.0\n%s\n' "$version" | sort -V | head -n1)" = 1.95.0 ] ||
		fail "rustc $version is too old: install Rust 1.95 with rustup (see the Rust website)"
}

# Waits until a command succeeds. Usage: wait_for SECONDS WHAT COMMAND...
wait_for() {
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || {
			printf 'error: %s\n' "waited in vain for $what" >&2
			return 1
		}
		sleep 0.1
	done
}
