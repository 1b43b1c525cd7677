# shellcheck shell=bash
# The emulated machine the image runs in: for scripts/boot, and by `scripts/boot --arguments` for the tests.

MACHINE_MEMORY_MIB=512

# Arguments of QEMU, one a line; with an argument, the machine has UEFI instead of a BIOS. Usage: machine_arguments [uefi]
machine_arguments() {
	# One thread runs both CPUs where they are emulated, and they have no cmpxchg16b: see image_kernel.sh.
	printf '%s\n' -machine q35 -smp 2 -m "${MACHINE_MEMORY_MIB}M" -nodefaults -vga std -device virtio-rng-pci
	if kvm_works; then
		printf '%s\n' -accel kvm -cpu host
	else
		printf '%s\n' -accel tcg,thread=single -cpu max,-cx16
	fi
	if [ -n "${1:-}" ]; then
		printf '%s\n' -bios "$(find_ovmf)"
	fi
}

find_ovmf() {
	local file
	for file in /usr/share/ovmf/OVMF.fd /usr/share/OVMF/OVMF.fd /usr/share/qemu/OVMF.fd; do
		[ ! -e "$file" ] || {
			echo "$file"
			return
		}
	done
	fail "no UEFI for the machine: install ovmf"
}

# Whether KVM runs a guest: a boot sector that ends the emulator. A device alone proves nothing, and where one hypervisor
# runs in another it may hang. Asked once for each boot of this machine.
kvm_works() {
	local sector status=0 boot known answer=$TARGET/ravelin/boot/kvm
	[ -w /dev/kvm ] || return 1
	boot=$(</proc/sys/kernel/random/boot_id)
	if [ -r "$answer" ] && read -r known status <"$answer" && [ "$known" = "$boot" ]; then
		[ "$status" -eq 33 ]
		return
	fi
	sector=$(mktemp)
	# mov al, 0x10; out 0xf4, al; hlt; jmp to hlt. The emulator then ends with 0x10 * 2 + 1.
	printf '\xb0\x10\xe6\xf4\xf4\xeb\xfd' >"$sector"
	truncate -s 510 "$sector"
	printf '\x55\xaa' >>"$sector"
	status=0
	timeout 5 qemu-system-x86_64 -accel kvm -machine pc -nodefaults -display none -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -drive "file=$sector,format=raw,if=ide" \
		>/dev/null 2>&1 </dev/null || status=$?
	rm -f "$sector"
	mkdir -p "$TARGET/ravelin/boot"
	echo "$boot $status" >"$answer.$$" && mv "$answer.$$" "$answer"
	[ "$status" -eq 33 ]
}
