# shellcheck shell=bash
# Tests under the kernel of the image (Debian 13, 6.12), in QEMU without acceleration: of the programs, and of what the
# engine asks of netlink and nftables; flowtables and VLAN devices are what other kernels may not have. The kernel comes
# from the mirror this machine's apt uses; nothing is installed of it.

IMAGE_SUITE=trixie
IMAGE_KERNEL=$TARGET/image-kernel

# Unpacks the suite's kernel to $IMAGE_KERNEL/root, once a version. Its apt state is its own.
fetch_image_kernel() {
	local uri package options
	uri=$(apt_mirror) || {
		note "apt knows no mirror: add one to its sources"
		return 1
	}
	mkdir -p "$IMAGE_KERNEL"/{lists/partial,cache/archives/partial}
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
		"$uri" "$IMAGE_SUITE" >"$IMAGE_KERNEL/sources.list"
	options=(-qq -o "Dir::Etc::sourcelist=$IMAGE_KERNEL/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$IMAGE_KERNEL/lists" -o "Dir::Cache=$IMAGE_KERNEL/cache"
		-o APT::Sandbox::User=root)
	apt-get "${options[@]}" update || return 1
	package=$(apt-cache "${options[@]}" depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	[ -n "$package" ] || {
		note "suite $IMAGE_SUITE has no linux-image-amd64"
		return 1
	}
	[ ! -e "$IMAGE_KERNEL/root/.$package" ] || return 0
	rm -rf "$IMAGE_KERNEL/root"
	mkdir -p "$IMAGE_KERNEL/root"
	(cd "$IMAGE_KERNEL" && rm -f ./*.deb && apt-get "${options[@]}" download "$package") || return 1
	dpkg-deb -x "$IMAGE_KERNEL"/linux-image-*.deb "$IMAGE_KERNEL/root" || return 1
	# The package leaves /lib -> /usr/lib to the system it is installed on.
	[ -e "$IMAGE_KERNEL/root/lib" ] || ln -s usr/lib "$IMAGE_KERNEL/root/lib"
	depmod -b "$IMAGE_KERNEL/root" "$(image_kernel_version)"
	touch "$IMAGE_KERNEL/root/.$package"
}

image_kernel_version() { basename "$IMAGE_KERNEL"/root/usr/lib/modules/*; }

# Copies a program and the libraries it is linked with. Usage: add_program TREE PROGRAM DESTINATION
add_program() {
	local library
	install -D "$2" "$1/$3"
	ldd "$2" 2>/dev/null | grep -o '/[^ )]*' | while read -r library; do
		[ -e "$1/$library" ] || install -D "$library" "$1/$library"
	done
}

# Copies modules with what they need, in the order they must be loaded. Usage: add_modules TREE NAME...
add_modules() {
	local tree=$1 module path
	shift
	for module in "$@"; do
		modprobe -d "$IMAGE_KERNEL/root" -S "$(image_kernel_version)" --show-depends "$module" ||
			note "the kernel of $IMAGE_SUITE has no module $module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		xz -dc "$path" >"$tree/modules/$(basename "${path%.xz}")"
		basename "${path%.xz}" >>"$tree/modules/order"
	done
}

# Builds $IMAGE_KERNEL/initrd around test binaries. Usage: make_initrd 'TEST_BINARY [TEST_FILTER...]'...
make_initrd() {
	local tree=$IMAGE_KERNEL/tree program tests binary filters
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,sbin,proc,sys,dev,tmp,run,modules,tests,usr/sbin,usr/bin,etc}
	add_program "$tree" "$(command -v busybox)" bin/busybox
	add_program "$tree" "$(readlink -f "$(command -v ip)")" sbin/ip
	for program in bpftool nft conntrack ethtool devlink tc; do
		add_program "$tree" "$(readlink -f "$(command -v $program)")" "usr/sbin/$program"
	done
	for tests in "$@"; do
		read -r binary filters <<<"$tests"
		add_program "$tree" "$binary" "tests/$(basename "$binary")"
		echo "$(basename "$binary") $filters" >>"$tree/tests/order"
	done
	add_modules "$tree" veth bridge tun dummy nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_reject_inet nft_log \
		nft_limit nfnetlink_log nft_fib_inet 8021q nf_conntrack_netlink nf_flow_table_inet nft_flow_offload \
		e1000e virtio_net psample sch_ingress cls_flower act_gact act_mirred act_pedit act_vlan act_csum bonding
	cp "$IMAGE_KERNEL/netdevsim.ko" "$tree/modules/"
	echo netdevsim.ko >>"$tree/modules/order"
	cat >"$tree/init" <<-'INIT'
		#!/bin/busybox sh
		export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/tmp TMPDIR=/tmp
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		busybox ln -s /proc/self/fd/0 /dev/stdin
		busybox mount -t tmpfs tmp /tmp
		busybox mount -t tmpfs run /run
		busybox mount -t bpf bpf /sys/fs/bpf
		busybox --install -s /bin
		rm -f /bin/ip
		while read -r module; do insmod "/modules/$module"; done </modules/order
		ip link set lo up
		export RAVELIN_REQUIRE=bpf,netns,flowtable,vlan,bond,cards,flower RUST_BACKTRACE=0
		uname -r
		while read -r tests filters; do
			"/tests/$tests" --test-threads=1 $filters 2>&1 </dev/null
			echo "$tests ended with $?"
		done </tests/order
		poweroff -f
	INIT
	chmod +x "$tree/init"
	(cd "$tree" && find . -print0 | cpio --null --quiet -o -H newc | gzip -1) >"$IMAGE_KERNEL/initrd"
}

# Boots it and shows the console. Two cards, an Intel 82574L and virtio, are at the ends of one cable. One thread runs
# both CPUs: with two the emulator was seen to run an int3 the kernel had already taken back (its code is patched while
# it runs), which ends the kernel. They have no cmpxchg16b, which the kernel's allocator uses: after it QEMU 7.2 may make
# flags of what is left of an older result, and the next interrupt ends in a double fault or a lock held for ever. Fails
# unless every test binary came to a good end: a kernel that dies says nothing.
# Usage: boot_initrd SECONDS
boot_initrd() {
	local binaries
	binaries=$(wc -l <"$IMAGE_KERNEL/tree/tests/order")
	timeout --foreground "$1" qemu-system-x86_64 -machine q35 -cpu max,-cx16 -accel tcg,thread=single -smp 2 -m 3G \
		-display none -monitor none -serial stdio -no-reboot -nic none \
		-netdev hubport,hubid=0,id=intel -device e1000e,netdev=intel \
		-netdev hubport,hubid=0,id=virtio -device virtio-net-pci,netdev=virtio,rss=on \
		-kernel "$(echo "$IMAGE_KERNEL"/root/boot/vmlinuz-*)" -initrd "$IMAGE_KERNEL/initrd" \
		-append 'console=ttyS0 quiet panic=-1' </dev/null | tr -d '\r' |
		awk -v binaries="$binaries" '
			{ print; fflush() }
			/ ended with 0$/ { ended++ }
			END { exit ended != binaries }'
}
