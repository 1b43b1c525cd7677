# shellcheck shell=bash
# The layers of packages the image is made of, each kept as long as the same versions would be taken: the root, the tools
# that build the image, and packages that are only unpacked. They come from the mirror this machine's apt uses.

IMAGE_SUITE=trixie
IMAGE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Lines of a list without comments. Usage: list FILE
list() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$1"; }

# apt with the suite's indexes, as if nothing was installed. Usage: suite_apt COMMAND...
suite_apt() {
	local tool=$1
	shift
	"$tool" -qq -o "Dir::Etc::sourcelist=$CACHE/apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$CACHE/apt/lists" -o "Dir::State::status=$CACHE/apt/status" \
		-o "Dir::Cache=$CACHE/apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o APT::Install-Recommends=false "$@"
}

# The suite, its point updates and, where this machine takes them, its security updates.
fetch_indexes() {
	local uri security
	uri=$(apt_mirror) || fail "apt knows no mirror: add one to its sources"
	# shellcheck disable=SC2016  # apt expands it
	security=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		awk '/security/ { print; exit }')
	# Several images in a row are made of the same packages.
	[ -z "$(find "$CACHE/apt/fetched" -mmin -60 2>/dev/null)" ] || return 0
	mkdir -p "$CACHE"/apt/{lists/partial,cache/archives/partial}
	: >"$CACHE/apt/status"
	{
		printf "deb [signed-by=$IMAGE_KEYRING] $uri %s main non-free-firmware\n" "$IMAGE_SUITE" "$IMAGE_SUITE-updates"
		[ -z "$security" ] ||
			printf "deb [signed-by=$IMAGE_KEYRING] $security %s main non-free-firmware\n" "$IMAGE_SUITE-security"
	} >"$CACHE/apt/sources.list"
	suite_apt apt-get update || fail "the mirror $uri does not answer, or has no suite $IMAGE_SUITE"
	touch "$CACHE/apt/fetched"
}

# When the suite was released last, in seconds since 1970: the time of every file of a layer.
suite_epoch() {
	local release
	release=$(find "$CACHE/apt/lists" -name "*_dists_${IMAGE_SUITE}_InRelease")
	date -u -d "$(sed -n 's/^Date: //p' "$release" | head -n1)" +%s
}

# Files a layer would be made of now, one line each with its checksum. Usage: resolve PACKAGE...
resolve() { suite_apt apt-get --print-uris -y install "$@" | awk '/^.http|^.file|^.mirror/ { print $2, $4 }' | LC_ALL=C sort; }

# What the layers are made of now; their names carry a hash of it. Sets ROOT_LAYER, TOOLS_LAYER, EXTRACTED_LAYER.
resolve_layers() {
	local names
	mapfile -t names < <(list "$IMAGE/packages.list")
	ROOT_LAYER=$CACHE/root-$(resolve '?essential' "${names[@]}" | layer_hash).tar
	mapfile -t names < <(list "$IMAGE/packages-tools.list")
	TOOLS_LAYER=$CACHE/tools-$(resolve '?essential' "${names[@]}" | layer_hash)
	mapfile -t names < <(extracted_packages)
	EXTRACTED_LAYER=$CACHE/extracted-$(resolve "${names[@]}" | layer_hash)
}

# Of the resolved files and of how layers are made.
layer_hash() {
	{
		cat
		declare -f debootstrap_layer make_tools_layer make_extracted_layer
	} | sha256sum | cut -c1-16
}

# Names of the packages that are unpacked; of the kernel, the one with the version in its name.
extracted_packages() {
	local name
	list "$IMAGE/packages-extracted.list" | while read -r name; do
		if [ "$name" = linux-image-amd64 ]; then
			suite_apt apt-cache depends "$name" | awk '/Depends: linux-image/ { print $2; exit }'
		else
			echo "$name"
		fi
	done
}

# Usage: debootstrap_layer LIST DESTINATION
debootstrap_layer() {
	local include
	include=$(list "$1" | paste -sd,)
	SOURCE_DATE_EPOCH=$(suite_epoch) mmdebstrap --quiet --variant=essential --mode=root --include="$include" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' "$IMAGE_SUITE" "$2" "$CACHE/apt/sources.list" 2>&1
}

# Makes the layers that are not there; those nothing would be made of any more go.
make_layers() {
	local jobs=() job old
	resolve_layers
	for old in "$CACHE"/{root,tools,extracted}-*; do
		case $old in
		"$ROOT_LAYER" | "$TOOLS_LAYER" | "$EXTRACTED_LAYER") ;;
		*) rm -rf "$old" ;;
		esac
	done
	if [ ! -e "$TOOLS_LAYER" ]; then
		make_layer "$TOOLS_LAYER" make_tools_layer &
		jobs+=($!)
	fi
	if [ ! -e "$ROOT_LAYER" ]; then
		make_layer "$ROOT_LAYER" debootstrap_layer "$IMAGE/packages.list" &
		jobs+=($!)
	fi
	[ -e "$EXTRACTED_LAYER" ] || make_layer "$EXTRACTED_LAYER" make_extracted_layer
	for job in "${jobs[@]}"; do
		wait "$job" || fail "a layer of packages was not made; its log is above"
	done
}

# Makes a layer below another name, so that one is whole or not there. Usage: make_layer DESTINATION COMMAND...
make_layer() {
	local destination=$1 log=$1.log part=$CACHE/part-${1##*/}
	shift
	rm -rf "$part"
	if ! "$@" "$part" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		return 1
	fi
	rm -f "$log"
	mv "$part" "$destination"
}

make_tools_layer() {
	debootstrap_layer "$IMAGE/packages-tools.list" "$1.tar" || return 1
	mkdir -p "$1"
	tar -x -C "$1" --exclude=./dev -f "$1.tar" || return 1
	mkdir -p "$1"/{dev,proc,work}
	rm -f "$1.tar"
}

make_extracted_layer() {
	local names deb
	mapfile -t names < <(extracted_packages)
	mkdir -p "$1/debs"
	(cd "$1/debs" && suite_apt apt-get download "${names[@]}") || return 1
	for deb in "$1"/debs/*.deb; do
		# A name, a version and the like of each, as dpkg would say of an installed one.
		dpkg-deb -f "$deb" Package Source Version Architecture Installed-Size Maintainer Homepage >>"$1/packages" || return 1
		echo >>"$1/packages"
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --one-top-level=root --keep-directory-symlink || return 1
	done
	rm -rf "$1/debs"
}

# Runs a program of the suite, in a chroot that sees the directory the image is made in as /work. Its mounts are its own.
# Usage: in_tools COMMAND...
in_tools() {
	# shellcheck disable=SC2016  # the inner shell expands it
	unshare --mount --propagation private sh -euc '
		tools=$1 work=$2
		shift 2
		mount --bind "$work" "$tools/work"
		mount -t proc proc "$tools/proc"
		mount --rbind /dev "$tools/dev"
		exec chroot "$tools" /usr/bin/env -i PATH=/usr/sbin:/usr/bin LC_ALL=C TMPDIR=/work/tmp \
			SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" GRUB_FAT_SERIAL_NUMBER=0 "$@"
	' in_tools "$TOOLS_LAYER" "$WORK" "$@"
}
