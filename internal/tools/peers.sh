#!/bin/sh
# Gets what the gateway is measured against, from Debian's packages if they may
# be installed. What is missing is left out of the table.
set -eu
missing=
[ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null || missing=haproxy
command -v websockify >/dev/null || missing="$missing websockify"
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing to measure against:" $missing
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update || : # one unreachable source need not matter
	if apt-get -qq install --no-install-recommends $missing >/dev/null; then missing=; fi
fi
if [ -n "$missing" ]; then echo "measuring without" $missing "(as Debian calls them)" >&2; fi
