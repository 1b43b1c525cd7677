# shellcheck shell=dash disable=SC2154  # variables of the command line
# The disk and the root file system.

# Loads what the devices found so far ask for; a bus that comes up brings more.
load_drivers() {
	local aliases
	aliases=$(find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u)
	[ "$aliases" != "$known_aliases" ] || return 0
	known_aliases=$aliases
	# shellcheck disable=SC2086  # words
	modprobe -a -q $aliases 2>/dev/null
}

# A field of a block device's description by the kernel. Usage: field DEVICE NAME
field() { sed -n "s/^$2=//p" "/sys/class/block/$1/uevent"; }

# The partition of a name on the disk. Usage: partition NAME
partition() {
	local entry
	for entry in "/sys/class/block/$disk/$disk"*; do
		if [ "$(field "${entry##*/}" PARTNAME)" = "ravelin-$1" ]; then
			echo "${entry##*/}"
			return
		fi
	done
}

# The disk that has the partition GRUB took the kernel from. Sets disk, and boot_uuid, that partition's.
find_slot() {
	local tries=0 entry uevent
	known_aliases='' disk='' boot_uuid=''
	while :; do
		load_drivers
		for uevent in /sys/class/block/*/uevent; do
			grep -qs "^PARTNAME=ravelin-boot-$slot" "$uevent" || continue
			entry=$(readlink -f "${uevent%/uevent}")
			disk=${entry%/*} disk=${disk##*/}
			boot_uuid=$(sfdisk --part-uuid "/dev/$disk" "$(cat "$entry/partition")" 2>/dev/null | tr A-F a-f)
			[ "$boot_uuid" != "$boot" ] || return 0
		done
		tries=$((tries + 1))
		[ "$tries" -le 300 ] || die "no disk with the partition ravelin-boot-$slot, $boot"
		sleep 0.1
	done
}

# Whether this disk is as the image was made: its UUIDs are the image's.
is_fresh() { case $boot_uuid in 52617665-*) ;; *) return 1 ;; esac; }

# Gives the disk UUIDs of its own, and the state what room there is. One write of the partition table.
make_own() {
	local state boot_a boot_b
	state=/dev/$(partition state) boot_a=/dev/$(partition boot-a) boot_b=/dev/$(partition boot-b)
	say "first start from $disk: the state takes the rest of it"
	sfdisk --dump "/dev/$disk" 2>/dev/null |
		sed -e '/^last-lba:/d' -e "s/^label-id:.*/label-id: $(new_uuid)/" \
			-e "\\|^$state |s/size=[^,]*,//" \
			-e "\\|^$boot_a |s/uuid=[^,]*/uuid=$(new_uuid)/" \
			-e "\\|^$boot_b |s/uuid=[^,]*/uuid=$(new_uuid)/" >/run/partitions
	sfdisk --quiet --no-reread --no-tell-kernel --wipe never "/dev/$disk" </run/partitions >/dev/kmsg 2>&1 ||
		say "the partition table was not changed"
	blockdev --rereadpt "/dev/$disk"
	rm -f /run/partitions
}

# Where the partitions of this disk are, whatever others are in the machine: /run/ravelin-boot/NAME.
link_partitions() {
	local entry name
	for entry in "/sys/class/block/$disk/$disk"*; do
		name=$(field "${entry##*/}" PARTNAME)
		case $name in
		ravelin-*) ln -s "/dev/${entry##*/}" "/run/ravelin-boot/${name#ravelin-}" ;;
		esac
	done
}

new_uuid() { cat /proc/sys/kernel/random/uuid; }

open_root() {
	local device module
	device=$(partition "root-$slot")
	[ -n "$device" ] || die "$disk has no partition ravelin-root-$slot"
	while read -r module; do modprobe -q "$module"; done </etc/modules
	# The verity tree is behind the data, on the same partition; a block that does not match it ends the kernel.
	local blocks=${verity%%,*} rest=${verity#*,}
	DM_DISABLE_UDEV=1 dmsetup create root --readonly --table \
		"0 $((blocks * 8)) verity 1 /dev/$device /dev/$device 4096 4096 $blocks ${rest%%,*} sha256 $roothash ${rest#*,} 1 panic_on_corruption" ||
		die "the root file system of slot $slot does not open"
	mount -t squashfs -o ro,nodev /dev/mapper/root /root || die "the root file system of slot $slot does not mount"
}
