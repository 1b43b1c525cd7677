# shellcheck shell=bash
# Whether the same sources, binaries and packages make the same bytes.

# Makes the disk a second time: of the same packages, or, if FULL is set, of packages installed anew; and compares. What
# is kept between images otherwise is not taken. Usage: check_reproducible ARGUMENT_OF_SCRIPTS_IMAGE...
check_reproducible() {
	local again status=0
	again=$(mktemp -d "$IMAGES/again.XXXXXX")
	mkdir "$again/cache"
	"$ROOT/scripts/image" --disk-only --cache "$CACHE" --output "$again/first" "$@" || status=1
	if [ -z "$FULL" ] && [ "$status" = 0 ]; then
		cp -a "$CACHE/apt" "$again/cache/"
		cp -al "$CACHE"/{root,tools,extracted}-* "$again/cache/"
	fi
	[ "$status" != 0 ] || "$ROOT/scripts/image" --disk-only --cache "$again/cache" --output "$again/second" "$@" || status=1
	if [ "$status" = 0 ]; then
		if cmp "$again"/first/ravelin-*.raw "$again"/second/ravelin-*.raw; then
			note "the same bytes twice: $(sha256sum <"$(echo "$again"/first/ravelin-*.raw)" | cut -d' ' -f1)"
		else
			status=1
		fi
	fi
	rm -rf "$again"
	return "$status"
}
