# Messages, and what the command line says.

say() { echo "ravelin: $*" >/dev/kmsg; }

# The kernel ends with its first process, and starts the machine anew (panic=5).
die() {
	echo "<0>ravelin: $*" >/dev/kmsg
	exit 1
}

read_command_line() {
	local word
	for word in $(cat /proc/cmdline); do
		case $word in
		ravelin.slot=[ab]) slot=${word#*=} ;;
		ravelin.trial=1) trial=1 ;;
		ravelin.reset=1) reset=1 ;;
		ravelin.boot=*) boot=$(echo "${word#*=}" | tr A-F a-f) ;;
		ravelin.verity=*) verity=${word#*=} ;;
		roothash=*) roothash=${word#*=} ;;
		esac
	done
	[ -n "$slot" ] && [ -n "$roothash" ] && [ -n "$verity" ] && [ -n "$boot" ] || die "the command line names no slot"
}
