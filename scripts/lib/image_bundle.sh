# shellcheck shell=bash
# Keys, the update bundle, and what is handed out with its sizes and signatures.

# Sets KEY and CERTIFICATE. Without keys of the caller's, a pair for development, made once and never committed.
find_keys() {
	if [ -n "${KEY:-}" ]; then
		if [ ! -r "$KEY" ] || [ ! -r "${CERTIFICATE:-}" ]; then
			fail "--key and --cert go together, and $KEY or ${CERTIFICATE:-a certificate} cannot be read"
		fi
		return
	fi
	KEY=$IMAGES/keys/development.key
	CERTIFICATE=$IMAGES/keys/development.pem
	[ ! -e "$KEY" ] || return 0
	note "a key for development goes to $KEY"
	install -d -m 0700 "$IMAGES/keys"
	# Not before the clock of a machine that has none.
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$KEY" -out "$CERTIFICATE" -days 7300 \
		-subj '/O=Ravelin/CN=Ravelin development updates' -addext 'basicConstraints=critical,CA:TRUE' \
		-addext 'keyUsage=critical,digitalSignature,keyCertSign') 2>/dev/null || fail "no key was made"
}

# Usage: make_bundle DESTINATION
make_bundle() {
	local tree=$WORK/bundle
	rm -rf "$tree" "$1"
	mkdir "$tree"
	ln "$WORK/rootfs.img" "$tree/rootfs.img"
	ln "$WORK/bootfs.img" "$tree/boot.img"
	cat >"$tree/manifest.raucm" <<-MANIFEST
		[update]
		compatible=ravelin-x86_64
		version=$VERSION
		build=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)

		[bundle]
		format=verity

		[image.rootfs]
		filename=rootfs.img

		[image.boot]
		filename=boot.img
	MANIFEST
	install -m 0600 "$KEY" "$WORK/key.pem"
	install -m 0644 "$CERTIFICATE" "$WORK/cert.pem"
	# The images are compressed already.
	in_tools rauc bundle --key=/work/key.pem --cert=/work/cert.pem --mksquashfs-args='-noD -noF -no-fragments -no-progress' \
		/work/bundle "/work/${1#"$WORK"/}" >"$WORK/rauc.log" 2>&1 || {
		cat "$WORK/rauc.log" >&2
		rm -f "$WORK/key.pem"
		fail "no bundle was made"
	}
	rm -f "$WORK/key.pem"
}

# A signature of a file, beside it: of the manifest, which has the checksums of the rest. Check it with
# openssl cms -verify -inform PEM -in FILE.cms -content FILE -CAfile CERTIFICATE -purpose any -binary. Usage: sign FILE
sign() {
	openssl cms -sign -binary -noattr -in "$1" -signer "$CERTIFICATE" -inkey "$KEY" -outform PEM -out "$1.cms"
}
