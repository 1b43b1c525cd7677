# shellcheck shell=bash
# The disk: partitions, the boot code in front of them, and the forms it is handed out in.

BIOS_MIB=1
ESP_MIB=64
BOOT_MIB=64
ROOT_MIB=384
STATE_MIB=512

# Their first MiB, by the order they are in.
BIOS_AT=1
ESP_AT=$((BIOS_AT + BIOS_MIB))
BOOT_A_AT=$((ESP_AT + ESP_MIB))
BOOT_B_AT=$((BOOT_A_AT + BOOT_MIB))
ROOT_A_AT=$((BOOT_B_AT + BOOT_MIB))
ROOT_B_AT=$((ROOT_A_AT + ROOT_MIB))
STATE_AT=$((ROOT_B_AT + ROOT_MIB))
DISK_MIB=$((STATE_AT + STATE_MIB + 1))

# Types of the partitions, from the UEFI and the discoverable partitions specifications; those of the slots are plain data:
# nothing but our own initial RAM disk shall find them.
TYPE_BIOS=21686148-6449-6E6F-744E-656564454649
TYPE_ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
TYPE_DATA=0FC63DAF-8483-4772-8E79-3D69D8477DE4

# A UUID that says the disk was not booted yet: the first boot makes new ones, so that two disks can be told apart.
fresh_uuid() { printf '52617665-6c69-4e00-8000-%012x\n' "$1"; }

# Usage: partition NAME TYPE FIRST_MIB SIZE_MIB NUMBER
partition() {
	printf 'name="ravelin-%s", type=%s, start=%dMiB, size=%dMiB, uuid=%s\n' "$1" "$2" "$3" "$4" "$(fresh_uuid "$5")"
}

# Usage: make_state DESTINATION
make_state() {
	local tree=$WORK/state
	rm -rf "$tree" "$1"
	mkdir -p "$tree"
	: >"$tree/first-boot"
	find "$tree" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
	# No periodic checks by time: the clock may be wrong. Data reaches the disk before the name that points to it.
	in_tools mke2fs -q -t ext4 -L ravelin-state -U "$(uuid_of "state $VERSION")" -d /work/state -m 1 \
		-E "hash_seed=$(uuid_of "hash $VERSION"),lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0" \
		"/work/${1#"$WORK"/}" "${STATE_MIB}M"
}

# Writes a file into the disk. Usage: place FILE FIRST_MIB SIZE_MIB
place() {
	[ "$(stat -c %s "$1")" -le $(($3 * 1048576)) ] || fail "$(basename "$1") is larger than its partition of $3 MiB"
	dd if="$1" of="$DISK" bs=1M seek="$2" conv=notrunc,sparse status=none
}

# A number as bytes, the lowest first. Usage: little_endian NUMBER BYTES
little_endian() {
	local value=$1 bytes=$2 text=
	while [ "$bytes" -gt 0 ]; do
		text+=$(printf '\\x%02x' $((value & 255)))
		value=$((value >> 8)) bytes=$((bytes - 1))
	done
	printf '%b' "$text"
}

# GRUB's first sector in front of the partition table, its core in the partition ravelin-bios; each is told where the next
# part is, as grub-bios-setup would.
place_bios_loader() {
	local sector=$((BIOS_AT * 2048)) core=$WORK/core.img
	little_endian $((sector + 1)) 8 | dd of="$core" bs=1 seek=500 conv=notrunc status=none
	place "$core" "$BIOS_AT" "$BIOS_MIB"
	cp "$TOOLS_LAYER/usr/lib/grub/i386-pc/boot.img" "$WORK/boot.img"
	little_endian "$sector" 8 | dd of="$WORK/boot.img" bs=1 seek=92 conv=notrunc status=none
	# The drive the firmware says it booted from is believed only if it is a hard disk.
	little_endian $((0x9090)) 2 | dd of="$WORK/boot.img" bs=1 seek=102 conv=notrunc status=none
	dd if="$WORK/boot.img" of="$DISK" bs=440 count=1 conv=notrunc status=none
}

# Usage: make_disk DESTINATION; of esp.img, boot.img, root.img, state.img
make_disk() {
	DISK=$1
	rm -f "$DISK"
	truncate -s "${DISK_MIB}M" "$DISK"
	{
		printf 'label: gpt\nlabel-id: %s\nfirst-lba: 34\n' "$(fresh_uuid 0)"
		partition bios "$TYPE_BIOS" "$BIOS_AT" "$BIOS_MIB" 1
		partition esp "$TYPE_ESP" "$ESP_AT" "$ESP_MIB" 2
		partition boot-a "$TYPE_DATA" "$BOOT_A_AT" "$BOOT_MIB" 3
		partition boot-b "$TYPE_DATA" "$BOOT_B_AT" "$BOOT_MIB" 4
		partition root-a "$TYPE_DATA" "$ROOT_A_AT" "$ROOT_MIB" 5
		partition root-b "$TYPE_DATA" "$ROOT_B_AT" "$ROOT_MIB" 6
		partition state "$TYPE_DATA" "$STATE_AT" "$STATE_MIB" 7
	} >"$WORK/partitions"
	# shellcheck disable=SC2016  # the inner shell expands it
	in_tools sh -c 'sfdisk --quiet "$1" </work/partitions' sh "/work/${DISK#"$WORK"/}"
	place "$WORK/esp.img" "$ESP_AT" "$ESP_MIB"
	place "$WORK/bootfs.img" "$BOOT_A_AT" "$BOOT_MIB"
	place "$WORK/rootfs.img" "$ROOT_A_AT" "$ROOT_MIB"
	place "$WORK/state.img" "$STATE_AT" "$STATE_MIB"
	place_bios_loader
}
