# shellcheck shell=bash
# Debian packages, each with the file or command that proves it is there and the reason it is needed.
# shellcheck disable=SC2034  # every script takes the tables it needs

PACKAGES_BUILD='
/etc/ssl/certs/ca-certificates.crt|ca-certificates|cargo verifies the registry with it
cc|gcc|links Rust programs, compiles SQLite
/usr/include/stdlib.h|libc6-dev|C headers for the same
'
PACKAGES_BPF='
clang-19|clang-19|compiles the eBPF programs
llvm-strip-19|llvm-19|strips their debug information
/usr/include/bpf/bpf_helpers.h|libbpf-dev|headers of the eBPF helpers
'
PACKAGES_LAB='
ip|iproute2|network namespaces and links of the lab
nsenter|util-linux|starts processes inside a namespace
dnsmasq|dnsmasq-base|DNS server on the WAN side
busybox|busybox|HTTP server on the WAN side
dig|bind9-dnsutils|DNS client on the LAN side
curl|curl|talks to the API
jq|jq|reads the answers of the API
'
PACKAGES_TEST='
clang-format-19|clang-format-19|checks the layout of the C sources
shellcheck|shellcheck|checks the shell scripts
nft|nftables|peer of the benchmarks
conntrack|conntrack|tells what the kernel knows of connections beside the engine
ipset|ipset|peer of the benchmarks
iptables-legacy|iptables|has the rule that asks ipset
ethtool|ethtool|switches GRO on for the benchmarks, prints what network cards are compared with
bpftool|bpftool|asks the kernel what is loaded
ping|iputils-ping|reachability in the netns tests
nfcapd|nfdump|collects flow records in the tests
tshark|tshark|reads IPFIX in the tests
strace|strace|has system calls of the engine fail in the netns tests
'
# For the tests of the agent, which are unit tests.
PACKAGES_AGENT='
grub-editenv|grub-common|what the code for its environment block is held against
rauc|rauc|makes and installs update bundles
mksquashfs|squashfs-tools|what rauc makes them of
dbus-daemon|dbus-daemon|bus between rauc and its service
openssl|openssl|keys that sign bundles
'
# For the tier that boots the kernel of the image.
PACKAGES_QEMU='
qemu-system-x86_64|qemu-system-x86|runs the kernel of the image
cpio|cpio|packs its initial RAM disk
depmod|kmod|finds its modules
xz|xz-utils|unpacks them
bpftool|bpftool|asks it what is loaded
ethtool|ethtool|prints what its network cards are compared with
devlink|iproute2|changes the card the kernel plays
strip|binutils|makes the module of that card small
jq|jq|finds the test binary
busybox|busybox|is its user space
'
# For the tier that carries out the Dockerfile.
PACKAGES_CONTAINER='
buildah|buildah|carries out its steps
podman|podman|runs the result
runc|runc|as Docker does
mmdebstrap|mmdebstrap|makes the images it begins with
jq|jq|reads the answers of the API
'
# For what is checked of the image beside booting it.
PACKAGES_IMAGE_CHECKS='
tinyproxy|tinyproxy-bin|lets its build reach the mirror and nothing else
/usr/lib/python3/dist-packages/jsonschema|python3-jsonschema|holds its bill of materials to the schema
openssl|openssl|verifies its signatures
zstd|zstd|unpacks it
jq|jq|reads its manifest
'
# For scripts/image; everything else it needs is in a directory of its own.
PACKAGES_IMAGE='
mmdebstrap|mmdebstrap|unpacks the packages of the image
/usr/share/keyrings/debian-archive-keyring.gpg|debian-archive-keyring|verifies them
qemu-img|qemu-utils|makes the qcow2
openssl|openssl|keys and signatures
cpio|cpio|copies kernel modules
xz|xz-utils|unpacks them
strip|binutils|makes the programs small
unshare|util-linux|has mounts of its own for the tools
jq|jq|writes the manifest
'
# For the tier that boots the image.
PACKAGES_IMAGE_TESTS='
qemu-system-x86_64|qemu-system-x86|is the machine
qemu-img|qemu-utils|makes the disk of scripts/boot
/usr/share/ovmf/OVMF.fd|ovmf|UEFI of the machine
mmdebstrap|mmdebstrap|makes the stock image it is compared with
debugfs|e2fsprogs|damages stores
busybox|busybox|asks for leases
openssl|openssl|keys that are not ours
'

# Installs what is missing of the given tables. Usage: install_packages "$PACKAGES_BUILD$PACKAGES_LAB"
install_packages() {
	local probe package why missing=()
	while IFS='|' read -r probe package why; do
		[ -n "$probe" ] || continue
		if command -v "$probe" >/dev/null || { [ "${probe#/}" != "$probe" ] && [ -e "$probe" ]; }; then
			continue
		fi
		note "missing: $package ($why)"
		missing+=("$package")
	done <<<"$1"
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || fail "install these by hand, this is not Debian: ${missing[*]}"
	[ "$(id -u)" -eq 0 ] || fail "run as root, or install these first: apt-get install ${missing[*]}"
	say "Installing ${missing[*]}"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# promtool of the package prometheus, without the server that comes with it. Sets RAVELIN_PROMTOOL.
find_promtool() {
	local tools=$TARGET/ravelin/tools
	if command -v promtool >/dev/null; then
		RAVELIN_PROMTOOL=$(command -v promtool)
	else
		RAVELIN_PROMTOOL=$tools/usr/bin/promtool
	fi
	export RAVELIN_PROMTOOL
	[ ! -x "$RAVELIN_PROMTOOL" ] || return 0
	say "Fetching promtool"
	mkdir -p "$tools"
	apt-get update -qq
	(cd "$tools" && rm -f ./*.deb && apt-get download -qq -o APT::Sandbox::User=root prometheus)
	dpkg-deb --fsys-tarfile "$tools"/prometheus_*.deb | tar -C "$tools" -x ./usr/bin/promtool
	rm -f "$tools"/*.deb
}
