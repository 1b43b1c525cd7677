# shellcheck shell=bash
# Processes of a lab, known by pid files in $RUN/pids and never by name.
# A pid file holds "<pid> <start time>", so a number the kernel gave away again is not mistaken for ours.

# Empty for a process that is gone, or dead and not yet waited for. proc(5): state is field 3, start time field 22.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 !~ /[ZX]/ { print $20 }'; }

# Usage: start NAME COMMAND... ; output goes to $RUN/log/NAME.log
start() {
	local name=$1
	shift
	install -d -m 0755 "$RUN/pids"
	install -d -m 0700 "$RUN/log" # the engine's has the admin token
	setsid "$@" </dev/null >>"$RUN/log/$name.log" 2>&1 &
	printf '%s %s\n' "$!" "$(start_time "$!")" >"$RUN/pids/$name"
}

alive() {
	local pid since
	[ -r "$RUN/pids/$1" ] || return 1
	read -r pid since <"$RUN/pids/$1"
	[ -n "$since" ] && [ "$(start_time "$pid")" = "$since" ]
}

# Whether every process given is alive.
all_alive() {
	local name
	for name in "$@"; do
		alive "$name" || return 1
	done
}

# SIGTERM, and SIGKILL after five seconds.
stop() {
	local name=$1 pid
	if alive "$name"; then
		read -r pid _ <"$RUN/pids/$name"
		kill -TERM "$pid" 2>/dev/null || true
		wait_for 5 "$name to end" not_alive "$name" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
	fi
	rm -f "$RUN/pids/$name"
}

not_alive() { ! alive "$1"; }
