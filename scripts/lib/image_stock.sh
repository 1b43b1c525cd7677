# shellcheck shell=bash
# A stock Debian cloud image, to compare boot times with: what Debian's genericcloud image is made of, as far as its
# packages tell (debian-cloud-images, classes BASE, SYSTEM_BOOT, CLOUD, GENERIC): the cloud kernel, as genericcloud
# has; systemd, networkd by netplan, resolved, timesyncd; cloud-init, openssh-server, unattended-upgrades; ext4, GRUB,
# initramfs-tools; Debian's kernel command line. Without what starts nothing (EXTRAS: locales, manuals, tools), and
# without the boot loader for UEFI: both are started by the BIOS, by GRUB that waits for nobody. cloud-init finds a
# NoCloud seed on the disk, as in a cloud it finds its metadata, and one network card is configured by DHCP.

STOCK_SUITE=trixie
STOCK_PACKAGES='linux-image-cloud-amd64 initramfs-tools grub-pc-bin grub2-common
	cloud-init cloud-guest-utils cloud-initramfs-growroot openssh-server ssh-import-id
	systemd-sysv systemd-resolved systemd-timesyncd libpam-systemd libnss-resolve libnss-myhostname netplan.io
	udev dbus polkitd sudo unattended-upgrades apparmor zstd apt-utils init iptables iputils-ping
	linux-sysctl-defaults less nano netbase vim-tiny whiptail e2fsprogs iproute2 kmod procps ca-certificates
	gdisk fdisk bash-completion'

# Builds it unless it is there, and prints its path. Boot it from a copy or with -snapshot: it is as on its first day.
# Needs suite.sh. Usage: stock_image
stock_image() {
	local out=$TARGET/ravelin/image/stock key image
	mkdir -p "$out"
	key=$(suite_indexes "$out/apt" "$STOCK_SUITE" "${BASH_SOURCE[0]}") || return 1
	image=$out/$key.raw
	if [ ! -e "$image" ]; then
		rm -f "$out"/*.raw
		stock_build "$out" "$image.part" >&2 || {
			rm -rf "$out/tree" "$image.part"
			return 1
		}
		mv "$image.part" "$image"
	fi
	echo "$image"
}

# Usage: stock_build DIRECTORY IMAGE
stock_build() {
	local tree=$1/tree image=$2 packages
	say "Building a stock Debian image to compare with"
	packages=$(printf '%s' "$STOCK_PACKAGES" | tr -s ' \t\n' ,)
	rm -rf "$tree"
	mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" --skip=output/dev \
		--dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
		"$STOCK_SUITE" "$tree" "$1/apt/sources.list" || return 1
	stock_configure "$tree" || return 1
	stock_disk "$tree" "$image" || return 1
	rm -rf "$tree"
}

# What debian-cloud-images puts beside the packages.
stock_configure() {
	local tree=$1
	echo debian >"$tree/etc/hostname"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$tree/etc/hosts"
	printf 'PARTUUID=%s / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1\n' "$STOCK_PARTITION" >"$tree/etc/fstab"
	install -d "$tree/etc/netplan" "$tree/var/lib/cloud/seed/nocloud"
	cat >"$tree/etc/netplan/90-default.yaml" <<-'YAML'
		network:
		  version: 2
		  ethernets:
		    all-en:
		      match: {name: "en*"}
		      dhcp4: true
		      dhcp4-overrides: {use-domains: true}
		      dhcp6: true
		      dhcp6-overrides: {use-domains: true}
	YAML
	chmod 0600 "$tree/etc/netplan/90-default.yaml"
	echo 'datasource_list: [ NoCloud, None ]' >"$tree/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
	printf 'instance-id: stock\n' >"$tree/var/lib/cloud/seed/nocloud/meta-data"
	printf '#cloud-config\n{}\n' >"$tree/var/lib/cloud/seed/nocloud/user-data"
	ln -sf /run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
	# As on the first boot of a cloud image: no identity yet.
	: >"$tree/etc/machine-id"
	rm -f "$tree"/etc/ssh/ssh_host_* "$tree/var/lib/dbus/machine-id"
	mkdir -p "$tree/boot/grub"
	cat >"$tree/boot/grub/grub.cfg" <<-GRUB
		serial --unit=0 --speed=115200
		terminal_output serial
		linux /vmlinuz root=PARTUUID=$STOCK_PARTITION ro console=tty0 console=ttyS0,115200 consoleblank=0
		initrd /initrd.img
		boot
	GRUB
}

STOCK_PARTITION=7261766c-696e-4073-a746-000000000001
STOCK_FILE_SYSTEM=7261766c-696e-4073-a746-000000000002

# GPT with a BIOS boot partition and ext4, without loop devices.
stock_disk() {
	local tree=$1 image=$2 mebi=2048 core
	core=$(mktemp -d -p "$(dirname "$image")") || return 1
	echo "search --fs-uuid $STOCK_FILE_SYSTEM --set=root; set prefix=(\$root)/boot/grub; configfile \$prefix/grub.cfg" \
		>"$core/start.cfg"
	cp "$core/start.cfg" "$tree/tmp/start.cfg"
	chroot "$tree" grub-mkimage -O i386-pc -o /tmp/core.img -p '(,gpt2)/boot/grub' -c /tmp/start.cfg \
		biosdisk part_gpt ext2 search_fs_uuid search configfile normal linux serial terminal boot || return 1
	mv "$tree/tmp/core.img" "$core/core.img"
	cp "$tree/usr/lib/grub/i386-pc/boot.img" "$core/boot.img"
	rm -f "$tree/tmp/start.cfg"
	truncate -s "${mebi}M" "$tree/tmp/disk"
	printf '%s\n' 'label: gpt' 'start=2048, size=6144, type="BIOS boot"' \
		"start=8192, type=\"Linux root (x86-64)\", uuid=$STOCK_PARTITION" | chroot "$tree" sfdisk --quiet /tmp/disk ||
		return 1
	mv "$tree/tmp/disk" "$image"
	mkfs.ext4 -q -U "$STOCK_FILE_SYSTEM" -d "$tree" -E offset=$((8192 * 512)) "$image" $((mebi * 1024 - 4096 - 1024)) ||
		return 1
	# boot.img loads the first sector of core.img from the sector at 0x5c; that one loads the rest by the block list at
	# its end: sector (8 bytes), number of sectors (2), segment (2).
	stock_number 2048 8 | dd of="$core/boot.img" bs=1 seek=$((0x5c)) conv=notrunc status=none
	{
		stock_number 2049 8
		stock_number $((($(stat -c %s "$core/core.img") + 511) / 512 - 1)) 2
	} | dd of="$core/core.img" bs=1 seek=$((0x1f4)) conv=notrunc status=none
	dd if="$core/boot.img" of="$image" bs=440 count=1 conv=notrunc status=none
	dd if="$core/core.img" of="$image" bs=512 seek=2048 conv=notrunc status=none
	rm -rf "$core"
}

# A number in little endian. Usage: stock_number NUMBER BYTES
stock_number() {
	local number=$1 bytes=$2
	while [ "$bytes" -gt 0 ]; do
		# shellcheck disable=SC2059  # the format is the byte
		printf "\\x$(printf %02x $((number & 255)))"
		number=$((number >> 8)) bytes=$((bytes - 1))
	done
}
