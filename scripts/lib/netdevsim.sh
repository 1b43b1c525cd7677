# shellcheck shell=bash
# netdevsim, a network card the kernel plays: with devlink, a switch inside, rings, channels and features to switch. The
# suite's kernel does not have it, so it is built of the suite's kernel source by the suite's compiler, in a directory of
# its own: half a minute, once a version. Needs root, for chroot; image_kernel.sh is sourced.

# apt as if nothing was installed, so that it also fetches what a compiler needs. Usage: bare_apt ARGUMENT...
bare_apt() {
	apt-get -qq -o "Dir::Etc::sourcelist=$IMAGE_KERNEL/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$IMAGE_KERNEL/lists" -o "Dir::State::status=$IMAGE_KERNEL/netdevsim/status" \
		-o "Dir::Cache=$IMAGE_KERNEL/cache" -o "Dir::Cache::archives=$IMAGE_KERNEL/netdevsim/archives" \
		-o APT::Sandbox::User=root -o APT::Install-Recommends=false "$@"
}

# Makes $IMAGE_KERNEL/netdevsim.ko for the kernel fetch_image_kernel has fetched.
fetch_netdevsim() {
	local version directory=$IMAGE_KERNEL/netdevsim root=$IMAGE_KERNEL/netdevsim/root package
	version=$(image_kernel_version)
	[ "$(cat "$IMAGE_KERNEL/netdevsim.version" 2>/dev/null)" != "$version" ] || return 0
	rm -rf "$directory"
	mkdir -p "$directory/archives/partial" "$root"
	: >"$directory/status"
	bare_apt install -y --download-only "linux-headers-$version" make dash coreutils sed grep mawk findutils || return 1
	for package in "$directory"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink || return 1
	done
	for package in bin sbin lib lib64; do
		[ -e "$root/$package" ] || ln -s "usr/$package" "$root/$package"
	done
	ln -sf dash "$root/usr/bin/sh"
	ln -sf mawk "$root/usr/bin/awk"
	(cd "$directory" && bare_apt download "linux-source-${version%.*}") || return 1
	dpkg-deb --fsys-tarfile "$directory"/linux-source-*.deb | tar -x -O --wildcards '*/linux-source-*.tar.xz' |
		tar -x -J -C "$root" --strip-components=3 --one-top-level=netdevsim --wildcards '*/drivers/net/netdevsim/*' ||
		return 1
	# The compiler throws away what it writes there; nothing else of /dev is needed.
	mkdir -p "$root/dev" "$root/tmp"
	mknod -m 666 "$root/dev/null" c 1 3
	chroot "$root" /usr/bin/env -i PATH=/usr/bin make -s -C "/usr/src/linux-headers-$version" M=/netdevsim \
		CONFIG_NETDEVSIM=m modules || return 1
	strip -g -o "$IMAGE_KERNEL/netdevsim.ko" "$root/netdevsim/netdevsim.ko" || return 1
	rm -rf "$directory"
	echo "$version" >"$IMAGE_KERNEL/netdevsim.version"
}
