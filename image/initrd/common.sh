# shellcheck shell=dash
# Messages, and what the command line says.

say() { echo "ravelin: $*" >/dev/kmsg; }

# The kernel ends with its first process, and starts the machine anew (panic=5).
die() {
	echo "<0>ravelin: $*" >/dev/kmsg
	exit 1
}

# Sets slot, roothash, verity, boot, trial, reset.
# shellcheck disable=SC2034  # the others read them
read_command_line() {
	local word words
	slot='' roothash='' verity='' boot='' trial=0 reset=0
	read -r words </proc/cmdline
	for word in $words; do
		case $word in
		ravelin.slot=[ab]) slot=${word#*=} ;;
		ravelin.trial=1) trial=1 ;;
		ravelin.reset=1) reset=1 ;;
		ravelin.boot=*) boot=$(echo "${word#*=}" | tr A-F a-f) ;;
		ravelin.verity=*) verity=${word#*=} ;;
		roothash=*) roothash=${word#*=} ;;
		esac
	done
	for word in "$slot" "$roothash" "$verity" "$boot"; do
		[ -n "$word" ] || die "the command line names no slot"
	done
}
