# shellcheck shell=bash
# What a slot is started by: the initial RAM disk, the file system GRUB reads, the verity tree, and GRUB itself.

# Copies a program of the tools and the libraries it is linked with. Usage: add_tool TREE PROGRAM
add_tool() {
	local tree=$1 library
	install -D "$TOOLS_LAYER/usr/$2" "$tree/usr/$2"
	# ldd fails for what is linked with nothing.
	{ in_tools ldd "/usr/$2" 2>/dev/null || true; } | sed -n 's|^[^/]*\(/[^ )]*\).*|\1|p' | while read -r library; do
		[ -e "$tree$library" ] || install -D "$TOOLS_LAYER$library" "$tree/usr${library#/usr}"
	done
}

# The initial RAM disk, made anew only where what goes in has changed: $WORK/initrd.img, of $WORK/initrd.
make_initrd() {
	local kept old
	kept=$CACHE/initrd-$(cat "$IMAGE/modules-boot.list" "$IMAGE"/initrd/* "$LIB"/image_{boot,root}.sh - \
		<<<"$TOOLS_LAYER $EXTRACTED_LAYER" | sha256sum | cut -c1-16)
	if [ ! -e "$kept" ]; then
		for old in "$CACHE"/initrd-*; do rm -rf "$old"; done
		pack_initrd
		mkdir "$WORK/kept"
		mv "$WORK/initrd" "$WORK/initrd.img" "$WORK/kept/"
		mv "$WORK/kept" "$kept"
	fi
	cp -al "$kept/." "$WORK/"
}

pack_initrd() {
	local tree=$WORK/initrd program names
	mkdir -p "$tree"/{dev,proc,sys,run,root,usr/bin,usr/sbin,usr/lib,usr/lib64,etc}
	for program in bin lib lib64 sbin; do
		ln -s "usr/$program" "$tree/$program"
	done
	for program in bin/busybox sbin/dmsetup sbin/e2fsck sbin/mke2fs sbin/resize2fs sbin/sfdisk; do
		add_tool "$tree" "$program"
	done
	cp "$TOOLS_LAYER/etc/mke2fs.conf" "$tree/etc/"
	unpack_kernel
	mapfile -t names < <(list "$IMAGE/modules-boot.list" | grep -v :)
	copy_modules "$tree" "${names[@]}"
	in_tools depmod -b "/work/initrd" "$(kernel_version)"
	rm -f "$tree"/usr/lib/modules/*/modules.{*.bin,builtin.modinfo,symbols,devname}
	sed -n '/^always:/,$p' "$IMAGE/modules-boot.list" | sed -e '/:/d' -e '/^$/d' >"$tree/etc/modules"
	install -m 0755 "$IMAGE/initrd/init" "$tree/init"
	install -m 0644 -t "$tree/etc" "$IMAGE"/initrd/*.sh
	find "$tree" -exec touch -h -d @1 {} +
	in_tools sh -c 'cd /work/initrd && find . | sort | cpio --quiet --reproducible -R 0:0 -o -H newc |
		zstd -q -19 -T1 >/work/initrd.img'
}

# A file system of a tree, with all times the same: those of parts that are kept would be of when they were made. The
# variable would only take later times back, and goes with no option. Usage: squash TREE DESTINATION OPTION...
squash() {
	local tree=$1 destination=$2
	shift 2
	in_tools env -u SOURCE_DATE_EPOCH mksquashfs "/work/${tree#"$WORK"/}" "/work/${destination#"$WORK"/}" "$@" -quiet \
		-no-progress -noappend -exit-on-error -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH"
}

# The root file system with its verity tree behind it. Sets ROOT_HASH, VERITY. Usage: make_rootfs TREE DESTINATION
make_rootfs() {
	local file=/work/${2#"$WORK"/} salt size
	rm -f "$2"
	squash "$1" "$2" -comp zstd -Xcompression-level "$COMPRESSION" -b 128K -xattrs
	size=$(stat -c %s "$2")
	truncate -s $(((size + 4095) / 4096 * 4096)) "$2"
	size=$(stat -c %s "$2")
	# Of the content, so that the same content gives the same bytes.
	salt=$(sha256sum <"$2" | cut -d' ' -f1)
	ROOT_HASH=$(in_tools veritysetup format --salt "$salt" --uuid "$(uuid_of "verity $salt")" --hash-offset "$size" \
		"$file" "$file" | awk '/^Root hash/ { print $3 }')
	[ -n "$ROOT_HASH" ] || fail "no root hash"
	# Data blocks, the block the tree begins with (after its own header), salt.
	VERITY=$((size / 4096)),$((size / 4096 + 1)),$salt
}

# A UUID that is the same for the same words. Usage: uuid_of WORDS
uuid_of() { sha256sum <<<"$1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-8\3-8\4-\5/'; }

# Usage: make_bootfs DESTINATION
make_bootfs() {
	local tree=$WORK/bootfs
	rm -rf "$tree" "$1"
	mkdir "$tree"
	cp "$EXTRACTED_LAYER"/root/boot/vmlinuz-* "$tree/vmlinuz"
	cp "$WORK/initrd.img" "$tree/initrd"
	sed -e "s/@VERSION@/$VERSION/" -e "s/@ROOT_HASH@/$ROOT_HASH/" -e "s/@VERITY@/$VERITY/" "$IMAGE/boot/slot.cfg" \
		>"$tree/slot.cfg"
	# Both files are compressed already; GRUB reads plain blocks fastest.
	squash "$tree" "$1" -noD -noF -no-fragments -no-xattrs -all-root
}

# GRUB for both firmwares, and the file system it and UEFI read. Usage: make_esp DESTINATION
make_esp() {
	local esp=$WORK/esp modules
	rm -rf "$esp" "$1"
	mkdir -p "$esp"/{EFI/BOOT,grub}
	modules='part_gpt fat squash4 normal linux echo test regexp loadenv probe serial terminal configfile sleep reboot'
	# shellcheck disable=SC2086  # words
	in_tools grub-mkimage -O i386-pc -o /work/core.img -p '(,gpt2)/grub' -C xz biosdisk $modules
	# shellcheck disable=SC2086
	in_tools grub-mkimage -O x86_64-efi -o /work/esp/EFI/BOOT/BOOTX64.EFI -p /grub $modules efi_gop all_video
	cp "$IMAGE/boot/grub.cfg" "$esp/grub/"
	{ printf '# GRUB Environment Block\ngood=a\ntrial=\nattempts=\n'; head -c 1024 /dev/zero | tr '\0' '#'; } |
		head -c 1024 >"$esp/grub/grubenv"
	find "$esp" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
	truncate -s "${ESP_MIB}M" "$1"
	# shellcheck disable=SC2016
	in_tools sh -euc '
		mkfs.vfat --invariant -F 32 -n RAVELIN -i "$2" "$1" >/dev/null
		cd /work/esp
		for path in EFI EFI/BOOT grub; do mmd -i "$1" "::$path"; done
		for path in EFI/BOOT/BOOTX64.EFI grub/grub.cfg grub/grubenv; do mcopy -m -i "$1" "$path" "::$path"; done
	' sh "/work/${1#"$WORK"/}" "$(uuid_of "esp $VERSION" | cut -c1-8)"
}
