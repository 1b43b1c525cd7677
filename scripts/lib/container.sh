# shellcheck shell=bash
# The Dockerfile without a container engine's registry: the images it begins with are made here, of the packages of
# their suite and of this machine's Rust, in a storage of the test; buildah carries out its steps in a chroot; podman
# runs the result by the very lines the Dockerfile shows, in a network namespace of the test.

CONTAINER=$TARGET/ravelin/container
# podman keeps to one run directory for a storage, so there is one of these tests at a time.
CONTAINER_NET=ravelin-container
CONTAINER_RUN=/run/$CONTAINER_NET

# buildah or podman with the storage of the test. Usage: container_tool buildah|podman ARGUMENT...
container_tool() {
	local tool=$1
	shift
	"$tool" --root "$CONTAINER/storage" --runroot "$CONTAINER_RUN/storage" --storage-driver overlay "$@"
}

# The name of the image a stage begins with. Usage: container_from STAGE
container_from() { awk -v stage="$1" '$1 == "FROM" && $4 == stage { print $2 }' "$ROOT/Dockerfile"; }

# Makes the image a stage begins with, unless it is there of the same packages. A function that is given the tree may
# add to it. Usage: container_base STAGE PACKAGES [FUNCTION]
container_base() {
	local stage=$1 packages=$2 more=${3:-:} name suite key mark tree
	name=$(container_from "$stage")
	suite=${name##*:}
	suite=${suite%-slim}
	suite=${suite##*-}
	mark=$CONTAINER/base-$stage
	tree=$CONTAINER/tree-$stage
	key=$(suite_indexes "$CONTAINER/apt" "$suite" <(declare -f container_base "$more" || true)) || return 1
	if container_tool podman image exists "docker.io/library/$name" && [ "$(cat "$mark" 2>/dev/null)" = "$key" ]; then
		return 0
	fi
	note "making the image $name"
	rm -rf "$tree"
	mmdebstrap --quiet --mode=root --variant=minbase ${packages:+"--include=$packages"} --skip=output/dev \
		--dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
		"$suite" "$tree" "$CONTAINER/apt/sources.list" || return 1
	"$more" "$tree" || return 1
	tar -C "$tree" -c . | container_tool podman import --quiet - "docker.io/library/$name" >/dev/null || return 1
	rm -rf "$tree"
	echo "$key" >"$mark"
}

# As in the image of Rust: the toolchain of this machine, and a linker. Its cargo takes the crates this machine has, and
# no others.
container_rust() {
	mkdir -p "$1/usr/local/rustup"
	cp -aL "$(rustc --print sysroot)"/. "$1/usr/local/rustup"
	rm -rf "$1/usr/local/rustup/share"
	ln -s /usr/local/rustup/bin/{cargo,rustc} "$1/usr/local/bin/"
	install -d "$1/root/.cargo"
	printf '[net]\noffline = true\n' >"$1/root/.cargo/config.toml"
}

# Carries out the Dockerfile. "given" takes the binaries scripts/build has made; "built" makes them.
# Usage: container_build given|built
container_build() {
	local options=()
	container_base runtime '' || return 1
	if [ "$1" = built ]; then
		container_base build gcc,libc6-dev,ca-certificates container_rust || return 1
		options=(--volume "${CARGO_HOME:-$HOME/.cargo}/registry:/root/.cargo/registry")
	fi
	container_tool buildah bud --quiet --pull-never --isolation chroot --format docker \
		--build-arg "BINARIES=$1" "${options[@]}" --tag ravelin "$ROOT" >/dev/null
}

# A command the head of the Dockerfile shows: its lines joined, without docker. Usage: container_line Engine|Gateway
container_line() {
	awk -v start="^# $1: *docker " '
		$0 ~ start { sub(start, ""); shown = 1 }
		shown { more = sub(/ *\\$/, ""); sub(/^# */, ""); printf "%s%s", $0, more ? " " : "\n"; if (!more) exit }' "$ROOT/Dockerfile"
}

# Runs such a command with podman: the network is the namespace of the test instead of the host's, the BPF file system
# one of the test's. podman would set higher limits than root may set everywhere. Usage: container_start Engine|Gateway
container_start() {
	local words=()
	read -ra words < <(container_line "$1" | sed -e "s,--network host,--network ns:/run/netns/$CONTAINER_NET," \
		-e "s,-v /sys/fs/bpf:,-v $CONTAINER_RUN/bpf:,")
	[ "${words[0]}" = run ] || return 1
	container_tool podman --runtime runc --cgroup-manager cgroupfs --events-backend none run \
		--ulimit "nofile=$(ulimit -Hn)" --ulimit nproc=4096 --security-opt "seccomp=$CONTAINER_RUN/seccomp.json" "${words[@]:1}"
}

# Docker's default profile lets bpf and perf_event_open through with CAP_BPF and CAP_PERFMON; podman's is the same, but
# in old versions it wants CAP_SYS_ADMIN.
container_seccomp() {
	jq '.syscalls |= map(.names -= ["bpf", "perf_event_open"]) +
		[{names: ["bpf"], action: "SCMP_ACT_ALLOW", args: [], includes: {caps: ["CAP_BPF"]}, excludes: {}},
		 {names: ["perf_event_open"], action: "SCMP_ACT_ALLOW", args: [], includes: {caps: ["CAP_PERFMON"]}, excludes: {}}]' \
		/usr/share/containers/seccomp.json
}

# A network namespace with one port, lan0, whose other end is in a second one.
container_lab_up() {
	local peer=$CONTAINER_NET-lan
	install -d -m 0755 "$CONTAINER_RUN" "$CONTAINER_RUN/bpf"
	mount -t bpf bpf "$CONTAINER_RUN/bpf"
	container_seccomp >"$CONTAINER_RUN/seccomp.json"
	ip netns add "$CONTAINER_NET"
	ip netns add "$peer"
	ip -n "$CONTAINER_NET" link set lo up
	ip -n "$CONTAINER_NET" link add lan0 type veth peer name eth0 netns "$peer"
	ip -n "$CONTAINER_NET" address add 10.79.1.1/24 dev lan0
	ip -n "$CONTAINER_NET" address add fd79:1::1/64 dev lan0 nodad
	ip -n "$CONTAINER_NET" link set lan0 up
	ip -n "$peer" address add 10.79.1.2/24 dev eth0
	ip -n "$peer" address add fd79:1::2/64 dev eth0 nodad
	ip -n "$peer" link set eth0 up
}

# Takes away what the test made, however far it came. The base images stay for the next time.
container_lab_down() {
	local volume mount
	container_tool podman rm --force --all --time 5 >/dev/null 2>&1 || true
	container_tool podman rmi --force ravelin >/dev/null 2>&1 || true
	container_tool podman image prune --force >/dev/null 2>&1 || true
	for volume in ravelin-state ravelin-run ravelin-gateway; do
		container_tool podman volume rm --force "$volume" >/dev/null 2>&1 || true
	done
	ip netns delete "$CONTAINER_NET" 2>/dev/null || true
	ip netns delete "$CONTAINER_NET-lan" 2>/dev/null || true
	while read -r mount; do umount -l "$mount"; done < <(
		awk -v run="$CONTAINER_RUN/" -v storage="$CONTAINER/" \
			'index($5, run) == 1 || index($5, storage) == 1 { print $5 }' /proc/self/mountinfo | sort -r
	)
	rm -rf "$CONTAINER_RUN"
}

# Where the host sees a volume. Usage: container_volume NAME
container_volume() { echo "$CONTAINER/storage/volumes/$1/_data"; }

# Asks the engine on its own socket. Usage: container_ask PATH
container_ask() { curl -sS --fail-with-body --unix-socket "$(container_volume ravelin-run)/raveld.sock" "http://localhost$1"; }

# Asks the gateway from the LAN by its certificate. Usage: container_ask_gateway TOKEN PATH [CURL_ARGUMENT...]
container_ask_gateway() {
	local token=$1 path=$2
	shift 2
	nsenter --net="/run/netns/$CONTAINER_NET-lan" curl -sS --fail-with-body --max-time 10 \
		--cacert "$(container_volume ravelin-gateway)/certificate.pem" --connect-to "localhost:8443:10.79.1.1:8443" \
		-H @- "$@" "https://localhost:8443$path" <<<"Authorization: Bearer $token"
}

container_pings() {
	nsenter --net="/run/netns/$CONTAINER_NET-lan" ping -c 1 -W 1 10.79.1.1 &&
		nsenter --net="/run/netns/$CONTAINER_NET-lan" ping -c 1 -W 1 fd79:1::1
}

container_is_silent() {
	! nsenter --net="/run/netns/$CONTAINER_NET-lan" ping -c 1 -W 1 10.79.1.1 &&
		! nsenter --net="/run/netns/$CONTAINER_NET-lan" ping -c 1 -W 1 fd79:1::1
}

# The engine attaches, decides and is asked over HTTPS; it filters on when its container is gone.
container_serves() {
	local token
	container_start Engine >/dev/null || return 1
	wait_for 60 "raveld in its container" container_ask /healthz || return 1
	container_start Gateway >/dev/null || return 1
	wait_for 60 "the gateway in its container" container_ask_gateway none /healthz || return 1
	token=$(container_ask_gateway "$(cat "$(container_volume ravelin-state)/admin-token")" /api/v1/auth/token -X POST |
		jq -er .access_token) || return 1
	container_ask_gateway "$token" /api/v1/ebpf/features |
		jq -e '[.items[] | select(.state == "active") | .name] | contains(["statistics", "policy_classifier"])' >/dev/null ||
		return 1
	container_ask_gateway "$token" /api/v1/interfaces | jq -e '.items[] | select(.name == "lan0") | .xdp_mode == "native"' || return 1
	# Nobody below the engine: no slots, no updates.
	container_ask_gateway "$token" /api/v1/system | jq -e '.appliance == false and .slots == []' || return 1
	container_pings || return 1
	# A zone without rules: XDP and nftables drop what comes from there.
	container_tool podman exec raveld ravelin zones add lan --interface lan0 || return 1
	container_is_silent || return 1
	container_tool podman kill raveld || return 1
	container_is_silent
}

tier_container() {
	local log
	trap container_lab_down EXIT
	"$ROOT/scripts/build" kernel || fail_tier "container: raveld does not build" || return 0
	container_lab_down
	container_lab_up
	check "the steps of the Dockerfile, binaries given" container_build given
	check "engine and gateway run in it as it says" container_serves || true
	for log in raveld ravelin-gateway; do
		container_tool podman logs "$log" 2>&1 | grep -v 'made the admin token' | tail -n 20 | sed "s/^/    $log: /" >&2 || true
	done
	if [ -n "${RAVELIN_FULL:-}" ]; then
		check "the steps of the Dockerfile, binaries built" container_build built
	fi
	container_lab_down
	trap - EXIT
}
