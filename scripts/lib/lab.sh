# shellcheck shell=bash
# The lab: three network namespaces, LAN client - router - WAN server, IPv4 and IPv6.
#
#   ravelin-lan            ravelin-router             ravelin-wan
#   eth0 10.77.1.2 ------- lan0 10.77.1.1
#        fd77:1::2              fd77:1::1
#                          wan0 10.77.2.1 ------- eth0 10.77.2.2   DNS (answers every name), HTTP
#                               fd77:2::1              fd77:2::2

LAB_NAMESPACES='ravelin-lan ravelin-router ravelin-wan'

# Runs a command in a namespace of the lab; the mounts stay the caller's, unlike with "ip netns exec".
inside() {
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" "$@"
}

lab_links_up() {
	local namespace
	clang-19 -O2 -target bpf -c "$ROOT/scripts/lib/pass.bpf.c" -o "$RUN/pass.o"
	for namespace in $LAB_NAMESPACES; do
		ip netns add "$namespace"
		ip -n "$namespace" link set lo up
		inside "$namespace" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	done
	inside ravelin-router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	lab_link ravelin-lan lan0 1
	lab_link ravelin-wan wan0 2
}

# Joins eth0 of a namespace to the router's port; subnet is the number in the addresses.
lab_link() {
	local namespace=$1 port=$2 subnet=$3
	ip -n "$namespace" link add eth0 type veth peer name "$port" netns ravelin-router
	ip -n "$namespace" address add "10.77.$subnet.2/24" dev eth0
	ip -n "$namespace" address add "fd77:$subnet::2/64" dev eth0
	ip -n ravelin-router address add "10.77.$subnet.1/24" dev "$port"
	ip -n ravelin-router address add "fd77:$subnet::1/64" dev "$port"
	# veth takes a packet sent back by XDP only if a program sits on this side too.
	ip -n "$namespace" link set eth0 xdp obj "$RUN/pass.o" sec xdp
	ip -n "$namespace" link set eth0 up
	ip -n ravelin-router link set "$port" up
	ip -n "$namespace" route add default via "10.77.$subnet.1"
	ip -n "$namespace" -6 route add default via "fd77:$subnet::1"
}

lab_links_down() {
	local namespace
	for namespace in $LAB_NAMESPACES; do
		[ ! -e "/run/netns/$namespace" ] || ip netns delete "$namespace"
	done
}

lab_servers_up() {
	install -d -m 0755 "$RUN/www"
	echo "Hello from the WAN." >"$RUN/www/index.html"
	start dnsmasq nsenter --net=/run/netns/ravelin-wan dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= \
		--no-resolv --no-hosts --user=root --log-facility=- --bind-interfaces \
		--listen-address=10.77.2.2,fd77:2::2 --address=/#/10.77.2.2 --address=/#/fd77:2::2
	start httpd nsenter --net=/run/netns/ravelin-wan busybox httpd -f -p '[::]:80' -h "$RUN/www"
	wait_for 10 "DNS through the router" inside ravelin-lan dig +short +time=1 +tries=1 @10.77.2.2 example.org
	wait_for 10 "HTTP through the router" inside ravelin-lan curl -sf -o /dev/null http://10.77.2.2/
}
