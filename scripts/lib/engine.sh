# shellcheck shell=bash
# raveld and its gateway in a lab. $RUN: sockets, pids, logs, bpffs. $STATE: what survives a restart, and binaries.

engine_config() {
	cat >"$RUN/raveld.toml" <<-TOML
		state_dir = "$STATE/raveld"
		run_dir = "$RUN"
		bpffs = "$RUN/bpf"
		datapath = "$1"
		gateway_user = "$2"
	TOML
}

# Fails with the end of the log when the engine does not come up.
wait_for_engine() {
	wait_for 30 "raveld to answer" curl -sf -o /dev/null --unix-socket "$RUN/raveld.sock" http://localhost/healthz ||
		fail_with_log raveld
}

fail_with_log() {
	tail -n 20 "$RUN/log/$1.log" >&2
	fail "$1 did not come up; its log is above"
}

# raveld in the router's namespace, the gateway on the host's loopback as a user who may do nothing else.
engine_up() {
	install -d -m 0755 "$RUN" "$RUN/bpf" "$STATE" "$STATE/bin"
	install -m 0755 -t "$STATE/bin" "$TARGET/ravelin/kernel/"{raveld,ravelin-gateway,ravelin}
	mountpoint -q "$RUN/bpf" || mount -t bpf bpf "$RUN/bpf"
	engine_config kernel nobody
	start raveld nsenter --net=/run/netns/ravelin-router "$STATE/bin/raveld" --config "$RUN/raveld.toml"
	wait_for_engine

	install -d -m 0700 -o nobody -g nogroup "$STATE/gateway"
	cat >"$RUN/gateway.toml" <<-TOML
		listen = "127.0.0.1:$GATEWAY_PORT"
		engine_socket = "$RUN/gateway.sock"
		state_dir = "$STATE/gateway"
	TOML
	start gateway setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --bounding-set=-all \
		--no-new-privs "$STATE/bin/ravelin-gateway" --config "$RUN/gateway.toml"
	wait_for 30 "the gateway to answer" curl -skf -o /dev/null "https://localhost:$GATEWAY_PORT/healthz" ||
		fail_with_log gateway
}

engine_down() {
	stop gateway
	stop raveld
	if [ -x "$STATE/bin/raveld" ] && [ -e "$RUN/raveld.toml" ] && [ -e /run/netns/ravelin-router ]; then
		nsenter --net=/run/netns/ravelin-router "$STATE/bin/raveld" detach --config "$RUN/raveld.toml" \
			>>"$RUN/log/raveld.log" 2>&1 || note "raveld detach failed; unmounting bpffs removes its pins as well"
	fi
	while mountpoint -q "$RUN/bpf"; do umount "$RUN/bpf"; done
}
