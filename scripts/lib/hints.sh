# shellcheck shell=bash
# What to try once it runs: lines to paste, on stdout. tests/netns/tests/docs pastes them.

hints() { if [ -n "$sim" ]; then hints_sim; else hints_lab; fi; }

hints_lab() {
	local api="https://localhost:$GATEWAY_PORT/api/v1" ca="$STATE/gateway/certificate.pem"
	local curl="curl -s --cacert $ca -H \"Authorization: Bearer \$TOKEN\""
	cat <<-HINTS

		The API:          $api (certificate: $ca)
		                  $RUN/raveld.sock (root needs no token there)
		The admin token:  $STATE/raveld/admin-token
		The logs:         $RUN/log

		Get a token for ten minutes, list the features, list a name, have it blocked, see what was blocked:

		    TOKEN=\$(curl -s --cacert $ca -X POST -H "Authorization: Bearer \$(cat $STATE/raveld/admin-token)" $api/auth/token | jq -r .access_token)
		    $curl $api/ebpf/features | jq
		    $curl -X POST -H 'Content-Type: application/json' -d '{"value":"blocked.example"}' $api/lists/dns-blocklist/entries | jq
		    $curl -X POST $api/ebpf/features/dns_blocklist/enable | jq
		    $curl $api/ebpf/features/dns_blocklist | jq

		Ask for the name from the LAN, before and after:

		    nsenter --net=/run/netns/ravelin-lan dig +noall +comments +answer @10.77.2.2 blocked.example

		End it: scripts/up --down

	HINTS
}

hints_sim() {
	local curl="curl -s --unix-socket $RUN/raveld.sock" api=http://localhost/api/v1
	cat <<-HINTS

		The API:          $RUN/raveld.sock (you need no token there)
		The admin token:  $STATE/raveld/admin-token
		The log:          $RUN/log/raveld.log

		See whether it is ready, list the features, list a name, have it blocked, see what is there:

		    $curl http://localhost/readyz
		    $curl $api/ebpf/features
		    $curl -X POST -H 'Content-Type: application/json' -d '{"value":"blocked.example"}' $api/lists/dns-blocklist/entries
		    $curl -X POST $api/ebpf/features/dns_blocklist/enable
		    $curl $api/lists/dns-blocklist/entries

		End it: scripts/up --sim --down

	HINTS
}
