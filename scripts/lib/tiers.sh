# shellcheck shell=bash
# The tiers of scripts/test. A tier is a function; it calls check (one command, one result) or tests (a test run
# whose own counts are taken).

PASSED=0
FAILED=0
FAILURES=()

# One command that passes or fails as a whole. Usage: check WHAT COMMAND...
check() {
	local what=$1
	shift
	note "$what"
	if "$@"; then
		PASSED=$((PASSED + 1))
	else
		fail_tier "$what" || true
	fi
}

fail_tier() {
	FAILED=$((FAILED + 1))
	FAILURES+=("$1")
	return 1
}

# A test run: its counts are added; one that does not build or crashes counts as one failure.
# Usage: tests WHAT COMMAND...
tests() {
	local what=$1 log status=0 passed failed
	shift
	log=$(mktemp)
	note "$what"
	"$@" 2>&1 | tee "$log" || status=$?
	passed=$(count passed "$log")
	failed=$(count 'failed|timed out' "$log")
	rm -f "$log"
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	PASSED=$((PASSED + passed))
	FAILED=$((FAILED + failed))
	[ "$failed" -eq 0 ] || FAILURES+=("$what: $failed failed")
}

# Adds up "N passed" or the like in the summaries of a test run.
# nextest: "Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 0 skipped"; libtest: "test result: ..."
count() {
	awk -v words="$1" '
		/Summary \[|^test result:/ {
			while (match($0, "[0-9]+ (" words ")")) {
				total += substr($0, RSTART, RLENGTH)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}
		END { print total + 0 }' "$2"
}

# cargo-nextest where it is installed, else cargo test. Usage: cargo_test [--serial] ARGUMENTS...
cargo_test() {
	local serial=
	if [ "${1:-}" = --serial ]; then
		serial=yes
		shift
	fi
	if cargo nextest --version >/dev/null 2>&1; then
		cargo nextest run --locked --no-fail-fast --no-tests=warn ${RAVELIN_FULL:+--profile=full} \
			${serial:+--test-threads=1} "$@"
	else
		cargo test --locked --no-fail-fast "$@" ${serial:+-- --test-threads=1}
	fi
}

tier_lint() {
	check "rustfmt" cargo fmt --all --check
	check "clippy" cargo clippy --locked --workspace --all-targets --features ravelin-daemon/kernel -- -D warnings
	check "clang-format" clang_format_check
	check "shellcheck" shell_check
	check "generated Rust mirror of the C structs is fresh" cargo xtask abi --check
	check "generated OpenAPI document is fresh" cargo xtask openapi --check
	check "the plot of simulated tuning is fresh" cargo xtask tuning-plot --check
	check "layering" cargo xtask layering
	if cargo deny --version >/dev/null 2>&1; then
		check "licences, bans, sources" cargo deny --offline check licenses bans sources
	else
		note "cargo-deny is not installed: licences unchecked"
	fi
}

clang_format_check() {
	find ebpf bench scripts \( -name '*.c' -o -name '*.h' \) -not -name vmlinux.h -print0 |
		xargs -0 clang-format-19 --dry-run --Werror
}

shell_check() {
	shellcheck -x -a scripts/up scripts/test scripts/build scripts/capture-cards scripts/image scripts/image-bundles \
		scripts/boot .ci/run image/initrd/init image/etc/boot-loader
}

# Everything that has a tier of its own or needs clang is left out.
tier_unit() {
	tests "unit and property tests" cargo_test --workspace --exclude ravelin-tests-api \
		--exclude ravelin-tests-bpf --exclude ravelin-tests-netns --exclude ravelin-tests-image --exclude ravelin-bench \
		--exclude ravelin-objects --exclude ravelin-clang
}

tier_contract() { tests "API contract" cargo_test -p ravelin-tests-api; }

tier_prog-run() {
	tests "programs, packet by packet" cargo_test --serial -p ravelin-tests-bpf -p ravelin-objects -p ravelin-clang
	tests "data plane in the kernel" cargo_test --serial -p ravelin-datapath --features ravelin-datapath/kernel
}

tier_netns() {
	"$ROOT/scripts/build" kernel || fail_tier "netns: raveld does not build" || return 0
	find_promtool || fail_tier "netns: no promtool" || return 0
	tests "real daemon, real traffic" cargo_test --serial -p ravelin-tests-netns --test it
}

tier_docs() { tests "commands of README.md and scripts/up" cargo_test --serial -p ravelin-tests-netns --test docs; }

# The verifier of the kernel the image ships, and the packets of a few tests; --full: all of them. What conntrack,
# routes, links and flowtables are there. Network cards, asked and changed.
tier_image-kernel() {
	local name binaries filter='verifier policy::judging policy::translating' seconds=900
	if [ -n "${RAVELIN_FULL:-}" ]; then
		filter='' seconds=3600
	fi
	fetch_image_kernel || fail_tier "image-kernel: no kernel" || return 0
	fetch_netdevsim || fail_tier "image-kernel: netdevsim does not build" || return 0
	binaries=("$(test_binary ravelin-tests-bpf it) $filter")
	for name in flowtable conntrack routing netns cards tc_flower network; do
		binaries+=("$(test_binary ravelin-kernel "$name")")
	done
	binaries+=("$(test_binary ravelin-kernel) network::tests::real")
	make_initrd "${binaries[@]}" || fail_tier "image-kernel: no initial RAM disk" || return 0
	tests "programs and netlink under the kernel of the image" boot_initrd "$seconds"
}

# Builds an integration test, or the tests in a library, and says where they are. Usage: test_binary PACKAGE [TEST]
test_binary() {
	local which=(--lib)
	[ -z "${2:-}" ] || which=(--test "$2")
	cargo test --locked -p "$1" "${which[@]}" --no-run --message-format=json |
		jq -r --arg name "${2:-${1//-/_}}" 'select(.executable != null and .target.name == $name) | .executable'
}

# The image as it is handed out, of binaries as they are shipped, in an emulator: two machines at a time. --full: made
# again of packages installed anew, a stock Debian image beside it, and what makes the long forms of the tests.
tier_image() {
	local image=$TARGET/ravelin/image
	# All it may need of others but packages of the mirror.
	cargo fetch --locked --quiet || fail_tier "image: no crates" || return 0
	check "what is not the mirror would be seen" offline_sees
	rm -f "$image/manifest.json"
	check "the image builds, and asks nobody but the mirror" offline "$ROOT/scripts/image"
	[ -e "$image/manifest.json" ] || return 0
	check_image "$image" "$image/keys/development.pem"
	check "the same inputs make the same image" \
		"$ROOT/scripts/image" --check-reproducible --binaries "$TARGET/ravelin/kernel" ${RAVELIN_FULL:+--full}
	"$ROOT/scripts/image-bundles" ${RAVELIN_FULL:+--full} "$TARGET/ravelin/kernel" || fail_tier "image: no bundles" || return 0
	if [ -n "${RAVELIN_FULL:-}" ]; then
		stock_image >/dev/null || fail_tier "image: no stock image" || return 0
	fi
	RAVELIN_REQUIRE=image RAVELIN_IMAGE_DIR=$TARGET/ravelin/image NEXTEST_TEST_THREADS=2 RUST_TEST_THREADS=2 \
		tests "the image, booted" cargo_test -p ravelin-tests-image
}

tier_bench() {
	local form=--short
	[ -z "${RAVELIN_FULL:-}" ] || form=
	check "cost of the programs" cargo run --locked --quiet --release -p ravelin-bench -- ${form:+"$form"}
}
