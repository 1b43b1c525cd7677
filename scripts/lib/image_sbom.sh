# shellcheck shell=bash
# What is told of an image beside it: its bill of materials, the copyright files of its packages, and a manifest with
# sizes and checksums.

# What the packages of a root say of themselves, kept before it is pruned. Usage: keep_records ROOT
keep_records() {
	mkdir -p "$WORK/records/var/lib/dpkg/info" "$WORK/records/usr/share"
	cp "$1/var/lib/dpkg/status" "$WORK/records/var/lib/dpkg/"
	cp "$1"/var/lib/dpkg/info/*.list "$WORK/records/var/lib/dpkg/info/"
	cp -a "$1/usr/share/doc" "$WORK/records/usr/share/"
}

# CycloneDX. Of the packages the image is built with, those count of which a file is in the initial RAM disk, and GRUB,
# which is made of parts of its packages. Usage: make_sbom DESTINATION
make_sbom() {
	(
		cd "$ROOT" || exit
		cargo xtask sbom --version "$VERSION" --output "$1" \
			--installed "$WORK/records" "$WORK/root" \
			--unpacked "$EXTRACTED_LAYER/packages" "$EXTRACTED_LAYER/root" \
			--installed "$TOOLS_LAYER" "$WORK/initrd" \
			--parts-of "$TOOLS_LAYER" grub-pc-bin,grub-efi-amd64-bin
	)
}

# The copyright files, which the image itself has no room for. Usage: make_copyright DESTINATION
make_copyright() {
	local tree=$WORK/copyright source
	mkdir -p "$tree"
	for source in "$TOOLS_LAYER" "$EXTRACTED_LAYER/root" "$WORK/records"; do
		(cd "$source/usr/share/doc" && find . -name copyright | cpio --quiet -pdumL "$tree")
	done
	# shellcheck disable=SC2016  # the inner shell expands it
	in_tools sh -euc '
		cd /work/copyright
		tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -c . |
			zstd -q -19 -T1 -o "$1"
	' sh "/work/copyright.tar.zst"
	mv "$WORK/copyright.tar.zst" "$1"
}

# Sizes in bytes of what the root has of each package: "SIZE NAME", the largest first. What no package lists are the
# kernel's modules, firmware, and our own.
package_sizes() {
	local lists=$WORK/records/var/lib/dpkg/info
	{
		(cd "$lists" && for list in *.list; do sed "s|^|${list%%[:.]list*}\t|" "$list"; done) | sed 's/:amd64\t/\t/'
		echo
		find "$WORK/root" -type f -printf '%s\t/%P\n'
	} | awk -F '\t' '
		NF == 0 { sizes = 1; next }
		!sizes { owner[$2] = $1; next }
		{
			name = owner[$2]
			if (name == "") name = $2 ~ "^/usr/lib/modules/" ? "linux-image" : $2 ~ "^/usr/lib/firmware/" ? "firmware" : "ravelin"
			size[name] += $1
		}
		END { for (name in size) print size[name], name }' | sort -k1,1nr -k2,2
}

# Usage: make_manifest DESTINATION FILE...
make_manifest() {
	local destination=$1 files file
	shift
	files=$(for file in "$@"; do
		jq -n --arg name "$(basename "$file")" --argjson size "$(stat -c %s "$file")" \
			--arg sha256 "$(sha256sum <"$file" | cut -d' ' -f1)" '{name: $name, size_bytes: $size, sha256: $sha256}'
	done | jq -s .)
	jq -n --arg version "$VERSION" --arg suite "$IMAGE_SUITE" --arg kernel "$(kernel_version)" --arg root "$ROOT_HASH" \
		--argjson time "$SOURCE_DATE_EPOCH" --argjson files "$files" \
		--argjson table "$(in_tools sfdisk --json "/work/${DISK#"$WORK"/}")" \
		--argjson used "$(stat -c '{"%n": %s}' "$WORK"/{rootfs,bootfs,esp,state}.img | sed "s|$WORK/||" | jq -s add)" \
		--rawfile largest <(find "$WORK/root" -type f -printf '%s /%P\n' | sort -k1,1nr -k2,2 | head -n 20) \
		--rawfile packages <(package_sizes | head -n 20) '
		def lines(key): split("\n") | map(select(. != "") | split(" ") | {(key): .[1:] | join(" "), size_bytes: .[0] | tonumber});
		{
			name: "ravelin", version: $version, suite: $suite, kernel: $kernel, source_date_epoch: $time,
			root_hash: $root,
			files: $files,
			partitions: [$table.partitiontable.partitions[] | {name, start_bytes: (.start * 512), size_bytes: (.size * 512)}],
			contents: $used,
			largest_files: ($largest | lines("path")),
			largest_packages: ($packages | lines("name"))
		}' >"$destination"
}
