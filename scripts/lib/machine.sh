# shellcheck shell=bash
# The emulated machine the image runs in: for scripts/boot, and by `scripts/boot --arguments` for the tests.

MACHINE_MEMORY_MIB=512

# Arguments of QEMU, one a line. Usage: machine_arguments tcg|kvm [uefi]
machine_arguments() {
	# One thread runs both CPUs where they are emulated, and they have no cmpxchg16b: see image_kernel.sh.
	printf '%s\n' -machine q35 -smp 2 -m "${MACHINE_MEMORY_MIB}M" -nodefaults -vga std -device virtio-rng-pci
	case $1 in
	kvm) printf '%s\n' -accel kvm -cpu host ;;
	tcg) printf '%s\n' -accel tcg,thread=single -cpu max,-cx16 ;;
	esac
	if [ -n "${2:-}" ]; then
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

# The accelerator to take where none is asked for. A virtual machine may have a /dev/kvm that hangs, or that runs a boot
# sector and fails in the kernel: only asked for is it taken there.
machine_accelerator() {
	if [ -w /dev/kvm ] && [ "$(uname -m)" = x86_64 ] && ! grep -qw hypervisor /proc/cpuinfo; then
		echo kvm
	else
		echo tcg
	fi
}
