# shellcheck shell=bash
# What is handed out with the image, looked at by those who get it: signature, checksums, bill of materials, and the
# commands docs/install.md has for files.

# Commands of the blocks of a kind in docs/install.md. Usage: install_commands KIND
install_commands() {
	awk -v kind="$1" '$1 == "```sh" && $2 == kind { shown = 1; next } /^```/ { shown = 0 } shown' "$ROOT/docs/install.md"
}

# Every kind of block there is; one without a kind needs what no test has.
check_install_kinds() {
	local kind
	awk '$1 == "```sh" && $2 != "" { print $2 }' "$ROOT/docs/install.md" | while read -r kind; do
		case $kind in
		verify | stick | qemu | vmware | hyperv | certificate | token | rule | update) ;;
		*)
			note "nothing runs the block of kind $kind"
			exit 1
			;;
		esac
	done
}

# The files of a directory scripts/image has filled, verified, written and converted as docs/install.md says; then with
# one byte changed, which must be seen. Usage: check_install_files DIRECTORY CERTIFICATE
check_install_files() {
	local work version kind
	work=$(mktemp -d -p "$1") || return 1
	version=$(jq -r .version "$1/manifest.json")
	cp "$2" "$work/ravelin.pem"
	ln "$1"/manifest.json{,.cms} "$work/"
	jq -r '.files[].name' "$1/manifest.json" | while read -r kind; do ln "$1/$kind" "$work/"; done
	{
		echo 'set -euxo pipefail'
		for kind in verify stick qemu vmware hyperv; do install_commands "$kind"; done |
			sed -e "s/^VERSION=.*/VERSION=$version/" -e 's,^DISK=.*,DISK=disk,' -e 's/conv=fsync/&,sparse/'
	} >"$work/commands"
	(cd "$work" && bash commands && cmp disk "ravelin-$version.raw") || {
		rm -rf "$work"
		return 1
	}
	{
		echo 'set -euo pipefail'
		install_commands verify | sed "s/^VERSION=.*/VERSION=$version/"
	} >"$work/verify"
	check_verify_refuses "$work" manifest.json 's/size_bytes/size_bytez/' &&
		check_verify_refuses "$work" "ravelin-$version.cdx.json" 's/CycloneDX/CycloneDY/'
	kind=$?
	rm -rf "$work"
	return "$kind"
}

# Usage: check_verify_refuses DIRECTORY FILE SED_SCRIPT
check_verify_refuses() {
	local status=1
	sed "$3" "$1/$2" >"$1/changed"
	mv -f "$1/changed" "$1/$2"
	(cd "$1" && bash verify) >/dev/null 2>&1 || status=0
	ln -f "$1/../$2" "$1/$2"
	return "$status"
}

# The bill of materials keeps to the schema of CycloneDX, has the parts nobody would forget, no reference twice, and
# every package it names is one of this suite. Usage: check_sbom FILE
check_sbom() {
	/usr/bin/python3 -W ignore -m jsonschema -i "$1" "$ROOT/xtask/cyclonedx/bom-1.6.schema.json" || return 1
	jq -e '
		. as $document
		| [.components[]."bom-ref"] as $references
		| [.components[].name] as $names
		| ($references | length) == ($references | unique | length)
			and ([$document.dependencies[] | .ref, .dependsOn[]] | unique - ($references + [$document.metadata.component."bom-ref"])) == []
			and (["nftables", "systemd", "libc6", "rauc", "grub-pc-bin", "busybox-static", "aya", "rustls", "sqlx",
				"ravelin-daemon", "ravelin-gateway", "ravelin-cli"] - $names) == []
			and any($names[]; startswith("linux-image-"))
			and all($names[]; . != "mmdebstrap" and . != "proptest")
			and ($document | has("serialNumber") | not)
			and ([$document.components[] | select(has("licenses") | not)] | length) < 5' "$1" >/dev/null
}

# The manifest tells of files as they are, and of partitions that do not overlap. Usage: check_manifest DIRECTORY
check_manifest() {
	(
		cd "$1" || exit
		jq -r '.files[] | "\(.sha256)  \(.name)"' manifest.json | sha256sum --quiet --check || exit
		jq -r '.files[] | "\(.size_bytes) \(.name)"' manifest.json | while read -r size name; do
			[ "$(stat -c %s "$name")" -eq "$size" ] || exit
		done || exit
		jq -e '
			(.partitions | map(.name)) == (["bios", "esp", "boot-a", "boot-b", "root-a", "root-b", "state"] | map("ravelin-" + .))
			and ([.partitions | sort_by(.start_bytes) | . as $all | range(1; length)
				| $all[.].start_bytes >= $all[. - 1].start_bytes + $all[. - 1].size_bytes] | all)
			and (.largest_files | length) == 20 and (.largest_packages | length) == 20' manifest.json >/dev/null
	)
}

# Everything above, of a directory scripts/image has filled. Usage: check_image DIRECTORY CERTIFICATE
check_image() {
	check "blocks of docs/install.md are of kinds that are run" check_install_kinds
	check "manifest of the image" check_manifest "$1"
	check "bill of materials of the image" check_sbom "$1/ravelin-$(jq -r .version "$1/manifest.json").cdx.json"
	check "commands of docs/install.md for its files" check_install_files "$1" "$2"
}
