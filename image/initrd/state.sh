# shellcheck shell=dash disable=SC2154  # variables of the command line
# The state partition, and what of it the system sees.

STATE_OPTIONS=noexec,nosuid,nodev,noatime

# Mounts the state at /root/state. Sets state: ok, repaired, or lost and replaced by memory.
open_state() {
	local device
	device=$(partition state)
	state=lost
	if [ -n "$device" ]; then
		[ "$reset" = 0 ] || make_state "/dev/$device"
		check_state "/dev/$device" && mount_state "/dev/$device"
	fi
	if [ -e /root/state/factory-reset ]; then
		umount /root/state
		state=lost
		make_state "/dev/$device" && state=ok && mount_state "/dev/$device"
	fi
	if [ "$state" = lost ]; then
		say "the state is lost: this is not a first start, and nothing is kept"
		mount -t tmpfs -o "$STATE_OPTIONS,mode=0755,size=25%" state /root/state || die "no memory for the state"
	fi
}

check_state() {
	e2fsck -p "$1" >/dev/kmsg 2>&1
	case $? in
	0) state=ok ;;
	1) state=repaired ;;
	*)
		e2fsck -y "$1" >/dev/kmsg 2>&1
		[ $? -le 2 ] || return 1
		state=repaired
		;;
	esac
}

mount_state() {
	if ! mount -t ext4 -o "$STATE_OPTIONS" "$1" /root/state; then
		state=lost
		return 1
	fi
	# The file system follows its partition.
	local sectors
	sectors=$(cat "/sys/class/block/${1##*/}/size")
	if [ "$(cat /root/state/.sectors 2>/dev/null)" != "$sectors" ]; then
		resize2fs "$1" >/dev/kmsg 2>&1 && echo "$sectors" >/root/state/.sectors
	fi
	return 0
}

# Factory reset: an empty file system with the marker of a first start.
make_state() {
	say "factory reset: the state is made anew"
	mkdir -p /run/seed
	: >/run/seed/first-boot
	mke2fs -q -F -t ext4 -L ravelin-state -m 1 -d /run/seed "$1" >/dev/kmsg 2>&1
}

# The machine's identity, made where the state has none.
machine_id() {
	local id
	id=$(cat /root/state/machine-id 2>/dev/null)
	case $id in
	*[!0-9a-f]* | '') ;;
	*)
		if [ ${#id} -eq 32 ]; then
			echo "$id"
			return
		fi
		;;
	esac
	id=$(new_uuid | tr -d -)
	echo "$id" >/root/state/.machine-id
	sync -d /root/state/.machine-id
	mv /root/state/.machine-id /root/state/machine-id
	echo "$id"
}

# Memory over what programs write to, the state where it must last.
hand_over() {
	local directory
	mkdir -p /run/ravelin-boot/overlay
	mount -t tmpfs -o nosuid,nodev,mode=0755,size=20% overlay /run/ravelin-boot/overlay
	for directory in etc var; do
		mkdir -p "/run/ravelin-boot/overlay/$directory" "/run/ravelin-boot/overlay/.$directory"
		mount -t overlay -o "nosuid,nodev,lowerdir=/root/$directory,upperdir=/run/ravelin-boot/overlay/$directory,workdir=/run/ravelin-boot/overlay/.$directory" \
			overlay "/root/$directory" || die "no overlay for /$directory"
	done
	mkdir -p /root/state/log/journal /root/state/timesync
	mount -o bind /root/state/log/journal /root/var/log/journal
	mount -o bind /root/state/timesync /root/var/lib/systemd/timesync
	machine_id >/root/etc/machine-id
	printf 'RAVELIN_SLOT=%s\nRAVELIN_TRIAL=%s\nRAVELIN_STATE=%s\n' "$slot" "$trial" "$state" >/run/ravelin-boot/env
	for directory in dev proc sys run; do
		mount -o move "/$directory" "/root/$directory"
	done
	exec switch_root /root /usr/lib/systemd/systemd
}
