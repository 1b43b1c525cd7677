# shellcheck shell=bash
# A suite of Debian on the mirror this machine's apt uses, for trees that are made beside the image.

# Prints the mirror this machine's apt uses, not that of its security updates; fails if it knows none.
apt_mirror() {
	# shellcheck disable=SC2016  # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		awk '!/security/ && !uri { uri = $1 } END { print uri; exit !uri }'
}

# Fetches the suite's indexes to DIRECTORY, writes sources.list there, and prints a key that changes when the suite or one
# of the files does. Usage: suite_indexes DIRECTORY SUITE FILE...
suite_indexes() {
	local directory=$1 suite=$2 uri
	shift 2
	uri=$(apt_mirror) || {
		note "apt knows no mirror: add one to its sources"
		return 1
	}
	mkdir -p "$directory/lists/partial"
	# What is made in a row is made of the same packages.
	if ! grep -qs " $suite main" "$directory/sources.list" || [ -z "$(find "$directory/fetched" -mmin -60 2>/dev/null)" ]; then
		printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$uri" "$suite" \
			>"$directory/sources.list"
		apt-get -qq -o "Dir::Etc::sourcelist=$directory/sources.list" -o Dir::Etc::sourceparts=- \
			-o "Dir::State::lists=$directory/lists" -o "Dir::Cache=$directory" -o APT::Sandbox::User=root update >&2 ||
			return 1
		touch "$directory/fetched"
	fi
	cat "$directory"/lists/*Release "$@" | sha256sum | cut -c1-16
}
