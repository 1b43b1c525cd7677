# shellcheck shell=bash
# Runs a command where nothing can be reached but the mirror of apt, and tells whether it tried anything else. It runs in
# a network namespace whose only way out is a proxy on this machine; the proxy knows the hosts in apt's sources and no
# others; what goes elsewhere, DNS too, is rejected and counted.

OFFLINE_PORT=3142

# Hosts of the mirrors this machine's apt uses, one a line.
offline_hosts() {
	# shellcheck disable=SC2016  # apt expands it
	apt-get indextargets --format '$(REPO_URI)' | sed -n 's,^https\?://\([^/:]*\).*,\1,p' | sort -u
}

offline_up() {
	local inside=$1 run=$2 upstream=${http_proxy:-${HTTP_PROXY:-}}
	ip netns add "$inside" || return 1
	ip -n "$inside" link set lo up
	ip link add "$OFFLINE_LINK" type veth peer name eth0 netns "$inside" || return 1
	ip address add 10.79.9.1/30 dev "$OFFLINE_LINK"
	ip link set "$OFFLINE_LINK" up
	ip -n "$inside" address add 10.79.9.2/30 dev eth0
	ip -n "$inside" address add fd79:9::2/64 dev eth0 nodad
	ip -n "$inside" link set eth0 up
	# Ways for what shall not go anywhere, so that it is seen instead of failing for want of one.
	ip -n "$inside" route add default via 10.79.9.1
	ip -n "$inside" -6 route add default dev eth0
	# ICMPv6 is the kernel's own: neighbours, groups.
	ip netns exec "$inside" nft -f - <<-NFT || return 1
		table inet offline {
			counter elsewhere { }
			chain output {
				type filter hook output priority 0; policy accept;
				oifname "lo" ip daddr 127.0.0.0/8 accept
				oifname "lo" ip6 daddr ::1 accept
				ip daddr 10.79.9.1 tcp dport $OFFLINE_PORT accept
				ip daddr 10.79.9.2 accept
				meta l4proto ipv6-icmp accept
				meta l4proto igmp accept
				counter name elsewhere reject
			}
		}
	NFT
	offline_hosts | sed -e 's/[.]/[.]/g' -e 's/.*/^&$/' >"$run/hosts"
	cat >"$run/proxy.conf" <<-CONF
		Port $OFFLINE_PORT
		Listen 10.79.9.1
		Allow 10.79.9.2
		Timeout 600
		MaxClients 50
		LogFile "$run/proxy.log"
		LogLevel Connect
		PidFile "$run/proxy.pid"
		Filter "$run/hosts"
		FilterExtended On
		FilterDefaultDeny Yes
		ConnectPort 443
		${upstream:+Upstream http ${upstream#http://}}
	CONF
	tinyproxy -c "$run/proxy.conf" || return 1
	wait_for 10 "the proxy" test -s "$run/proxy.pid"
}

offline_down() {
	[ ! -s "$2/proxy.pid" ] || kill "$(cat "$2/proxy.pid")" 2>/dev/null || true
	ip link delete "$OFFLINE_LINK" 2>/dev/null || true
	ip netns delete "$1" 2>/dev/null || true
	rm -rf "$2"
}

# Fails if the command does, or if it tried to reach anything but the mirror. Usage: offline COMMAND...
offline() {
	local inside=ravelin-offline-$$ run=/run/ravelin-offline-$$ status=0 elsewhere refused
	OFFLINE_LINK=rvoff$$
	install -d -m 0755 "$run"
	if offline_up "$inside" "$run"; then
		nsenter --net="/run/netns/$inside" env -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u no_proxy -u NO_PROXY \
			http_proxy="http://10.79.9.1:$OFFLINE_PORT" https_proxy="http://10.79.9.1:$OFFLINE_PORT" \
			CARGO_NET_OFFLINE=true "$@" || status=$?
		elsewhere=$(ip netns exec "$inside" nft -j list counter inet offline elsewhere |
			jq '.nftables[] | select(.counter) | .counter.packets')
		refused=$(grep -c 'refused' "$run/proxy.log" || true)
		note "asked of the mirror: $(grep -c 'Established connection' "$run/proxy.log") connections," \
			"of others: $refused, packets elsewhere: $elsewhere"
		if [ "$refused" -ne 0 ] || [ "$elsewhere" -ne 0 ]; then
			grep refused "$run/proxy.log" | sed 's/^/    /' >&2
			status=1
		fi
	else
		status=1
	fi
	offline_down "$inside" "$run"
	return "$status"
}

# That "offline" would see it: a packet to somewhere else, a name asked for, a host that is no mirror.
offline_sees() {
	local try
	for try in 'curl -s --noproxy "*" -m 2 http://192.0.2.1/' 'getent hosts ravelin.invalid' 'curl -s -m 2 https://ravelin.invalid/'; do
		! offline sh -c "$try || true" || return 1
	done
}
