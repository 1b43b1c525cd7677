# shellcheck shell=bash
# The root file system: packages less what is pruned, chosen modules and firmware, binaries, units and settings.

# Usage: make_root DESTINATION
make_root() {
	make_base
	cp -a "$BASE/root" "$1"
	cp -a "$BASE/records" "$WORK/records"
	add_ravelin "$1"
	settle_root "$1"
	# What the caller lays over it.
	[ -z "$OVERLAY" ] || cp -a --no-preserve=ownership "$OVERLAY/." "$1/"
}

# The part that is the same as long as the packages and the lists of what is kept are. Sets BASE.
make_base() {
	local old part=$WORK/base
	BASE=$CACHE/base-$(cat "$IMAGE"/{pruned,modules,firmware}.list "$IMAGE"/{units/kept,etc/sysusers.conf} "$LIB/image_root.sh" \
		- <<<"$ROOT_LAYER $EXTRACTED_LAYER" | sha256sum | cut -c1-16)
	[ ! -e "$BASE" ] || return 0
	for old in "$CACHE"/base-*; do rm -rf "$old"; done
	mkdir -p "$part/root"
	tar -x -C "$part/root" --exclude='./dev/*' -f "$ROOT_LAYER"
	add_users "$part/root"
	keep_records "$part/root"
	mv "$WORK/records" "$part/records"
	prune_root "$part/root"
	add_kernel_modules "$part/root"
	add_firmware "$part/root"
	mv "$part" "$BASE"
}

# Users of the system, by its own program. It writes down when a password was changed: the same day for all images.
add_users() {
	install -D -m 0644 "$IMAGE/etc/sysusers.conf" "$1/usr/lib/sysusers.d/ravelin.conf"
	SOURCE_DATE_EPOCH=86400 in_tools chroot "/work/${1#"$WORK"/}" systemd-sysusers
}

prune_root() {
	local root=$1 pattern unit
	(
		cd "$root"
		shopt -s nullglob dotglob
		while read -r pattern; do
			# shellcheck disable=SC2086  # a pattern
			rm -rf -- $pattern
		done < <(list "$IMAGE/pruned.list")
	)
	# What the distribution would start; image/units/wanted says what does here.
	rm -rf "$root"/etc/systemd/system/* "$root"/usr/lib/systemd/system/*.{wants,requires,d}
	for unit in "$root"/usr/lib/systemd/system/*; do
		is_kept "${unit##*/}" || rm "$unit"
	done
	# These two are not what the engine has to wait for.
	sed -i 's/^\(Before=.*\) sysinit\.target/\1/; s/^Before=sysinit\.target //' \
		"$root"/usr/lib/systemd/system/systemd-{resolved,timesyncd}.service
	rm -rf "$root"/etc/.pwd.lock \
		"$root"/etc/{passwd,group,shadow,gshadow,subuid,subgid}- "$root"/etc/{machine-id,hostname,resolv.conf}
	find "$root" -xtype l -lname '*etc/alternatives*' -delete
}

# Whether a unit of the distribution stays. Usage: is_kept UNIT
is_kept() {
	local pattern
	while read -r pattern; do
		# shellcheck disable=SC2254  # a pattern
		case $1 in $pattern) return 0 ;; esac
	done < <(list "$IMAGE/units/kept")
	return 1
}

kernel_version() { basename "$EXTRACTED_LAYER"/root/usr/lib/modules/*; }

# The suite's kernel where the tools can see it, with an index of its modules. Sets KERNEL_TREE.
unpack_kernel() {
	KERNEL_TREE=$WORK/kernel
	[ ! -e "$KERNEL_TREE" ] || return 0
	mkdir "$KERNEL_TREE"
	cp -al "$EXTRACTED_LAYER/root/usr" "$EXTRACTED_LAYER/root/boot" "$KERNEL_TREE/"
	ln -s usr/lib "$KERNEL_TREE/lib"
	in_tools depmod -b /work/kernel "$(kernel_version)"
}

# Copies modules of a list with what they need, unpacked: the file system they are in is compressed as a whole, and
# loading them is faster. Usage: copy_modules TREE NAME...
copy_modules() {
	local tree=$1/usr/lib/modules entry names=() modules
	shift
	modules=$KERNEL_TREE/usr/lib/modules/$(kernel_version)/kernel
	for entry in "$@"; do
		if [ -d "$modules/$entry" ]; then
			mapfile -t -O "${#names[@]}" names < <(find "$modules/$entry" -name '*.ko.xz' -printf '%f\n' | sed 's/\.ko\.xz$//')
		else
			entry=${entry##*/}
			names+=("${entry%.ko}")
		fi
	done
	{ in_tools modprobe -d /work/kernel -S "$(kernel_version)" -a --show-depends "${names[@]}" 2>"$WORK/modprobe.log" || true; } |
		awk '$1 == "insmod" { sub("^/work/kernel/(usr/)?lib/modules/", "", $2); print $2 }' | LC_ALL=C sort -u >"$WORK/modules"
	if [ -s "$WORK/modprobe.log" ]; then
		note "not in the kernel of $IMAGE_SUITE: $(sed -n 's/.*Module \(.*\) not found.*/\1/p' "$WORK/modprobe.log" | paste -sd' ')"
	fi
	mkdir -p "$tree"
	(cd "$KERNEL_TREE/usr/lib/modules" && cpio --quiet -pdm "$tree" <"$WORK/modules")
	cp "$KERNEL_TREE/usr/lib/modules/$(kernel_version)"/modules.{builtin,builtin.modinfo,order} "$tree/$(kernel_version)/"
	find "$tree" -name '*.ko.xz' -print0 | xargs -0 -P2 -n50 xz -d --force
}

add_kernel_modules() {
	local names
	mapfile -t names < <(list "$IMAGE/modules.list")
	unpack_kernel
	copy_modules "$1" "${names[@]}"
	in_tools depmod -b "/work/${1#"$WORK"/}" "$(kernel_version)"
}

add_firmware() {
	local path
	while read -r path; do
		mkdir -p "$1/usr/lib/firmware/$path"
		cp -a "$KERNEL_TREE/usr/lib/firmware/$path/." "$1/usr/lib/firmware/$path/"
	done < <(list "$IMAGE/firmware.list")
}

# Ravelin's own: binaries without symbols, units, settings.
add_ravelin() {
	local root=$1 binary target unit
	for binary in raveld ravelin ravelin-gateway ravelin-agent; do
		[ -e "$BINARIES/$binary" ] || continue
		install -D -m 0755 "$BINARIES/$binary" "$root/usr/bin/$binary"
		strip --strip-all "$root/usr/bin/$binary"
	done
	install -d "$root"/{etc/ravelin,etc/rauc,usr/lib/ravelin,usr/lib/systemd/system}
	install -m 0644 -t "$root/etc/ravelin" "$IMAGE"/etc/{raveld,gateway}.toml
	install -m 0644 -t "$root/usr/lib/ravelin" "$IMAGE/etc/deny.nft"
	install -m 0755 -t "$root/usr/lib/ravelin" "$IMAGE/etc/boot-loader"
	install -m 0644 "$IMAGE/etc/rauc.conf" "$root/etc/rauc/system.conf"
	install -m 0644 "$CERTIFICATE" "$root/etc/rauc/keyring.pem"
	install -D -m 0644 "$IMAGE/etc/sysctl.conf" "$root/usr/lib/sysctl.d/60-ravelin.conf"
	install -D -m 0644 "$IMAGE/etc/tmpfiles.conf" "$root/usr/lib/tmpfiles.d/ravelin.conf"
	install -D -m 0644 "$IMAGE/etc/modules.conf" "$root/usr/lib/modprobe.d/ravelin.conf"
	for unit in journald networkd resolved timesyncd system; do
		install -D -m 0644 "$IMAGE/etc/$unit.conf" "$root/usr/lib/systemd/$unit.conf.d/ravelin.conf"
	done
	for unit in "$IMAGE"/units/*.{service,timer,mount,conf}; do
		case $unit in
		*'*'*) ;;
		# name.service.conf is a drop-in of another's unit.
		*.conf) install -D -m 0644 "$unit" "$root/usr/lib/systemd/system/$(basename "$unit" .conf).d/ravelin.conf" ;;
		*) install -m 0644 -t "$root/usr/lib/systemd/system" "$unit" ;;
		esac
	done
	ln -sf multi-user.target "$root/usr/lib/systemd/system/default.target"
	while read -r target unit; do
		want_unit "$root" "$target" "$unit"
	done < <(list "$IMAGE/units/wanted")
}

# Usage: want_unit ROOT TARGET UNIT; a unit name@instance.service is of name@.service
want_unit() {
	local directory=$1/usr/lib/systemd/system file=${3/@*./@.}
	[ -e "$directory/$file" ] || fail "image/units/wanted names $3, which is not there"
	mkdir -p "$directory/$2.wants"
	ln -sf "../$file" "$directory/$2.wants/$3"
}

# What says which image this is, mount points, and nothing that differs from one making to the next.
settle_root() {
	local root=$1
	rm -f "$root/etc/os-release" "$root/usr/lib/os-release"
	cat >"$root/usr/lib/os-release" <<-RELEASE
		NAME="Ravelin"
		PRETTY_NAME="Ravelin $VERSION"
		ID=ravelin
		ID_LIKE=debian
		VERSION="$VERSION"
		VERSION_ID="$VERSION"
		VERSION_CODENAME=$IMAGE_SUITE
		IMAGE_ID=ravelin
		IMAGE_VERSION="$VERSION"
	RELEASE
	ln -s ../usr/lib/os-release "$root/etc/os-release"
	echo ravelin >"$root/etc/hostname"
	printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ravelin\n' >"$root/etc/hosts"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
	# The initial RAM disk binds the machine's own over it.
	: >"$root/etc/machine-id"
	: >"$root/etc/fstab"
	: >"$root/usr/lib/clock-epoch"
	touch -d "@$SOURCE_DATE_EPOCH" "$root/usr/lib/clock-epoch"
	mkdir -p "$root"/{state,efi,dev,proc,sys,run,tmp,var/log/journal,var/lib/systemd/timesync,var/tmp}
	in_tools ldconfig -r "/work/${root#"$WORK"/}" -X
	rm -rf "$root"/var/cache/ldconfig
	find "$root" -name '*.pyc' -delete
}
