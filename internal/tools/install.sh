#!/bin/sh
# Gets what the tests need beside Go: a Chromium or Chrome, a font with Chinese,
# tshark to read captures with, curl, and what packages of npm's there are tests with
# or is built of; under SERVERS=required also the servers that there are tests with.
# What is there is used; what is missing comes from Debian's packages if they may be
# installed. If not, it says what to do, and fails only under BROWSER=, TSHARK= or
# SERVERS=required, as the tests themselves do.
set -eu
cd "$(dirname "$0")"

has_browser() {
	if [ -n "${CHROME:-}" ]; then return 0; fi # the tests say so if it is not there
	# The names that find in browser.go knows.
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome \
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
		"/Applications/Chromium.app/Contents/MacOS/Chromium"; do
		if command -v "$name" >/dev/null; then return 0; fi
	done
	return 1
}

has_font() {
	[ "$(uname)" != Linux ] || [ -n "$(fc-list :lang=zh 2>/dev/null)" ]
}

missing=
has_browser || missing=chromium
has_font || missing="$missing fontconfig fonts-noto-cjk"
command -v tshark >/dev/null || missing="$missing tshark"
command -v curl >/dev/null || missing="$missing curl"
if [ "${SERVERS:-}" = required ]; then # not unasked: some of these packages start one
	command -v nginx >/dev/null || missing="$missing nginx-light"
	command -v redis-server >/dev/null || missing="$missing redis-server"
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
	[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
	[ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
	command -v Xtigervnc >/dev/null || missing="$missing tigervnc-standalone-server"
	command -v xterm >/dev/null || missing="$missing xterm"
	[ -x /usr/bin/websockify ] || missing="$missing websockify"
	[ -x /usr/sbin/haproxy ] || missing="$missing haproxy"
	command -v docker-compose >/dev/null || missing="$missing docker-compose"
fi
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing for the tests:" $missing
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update || : # one unreachable source need not matter
	if apt-get -qq install --no-install-recommends $missing >/dev/null; then missing=; fi
fi
# A folder with a package.json, and one of the packages that it names.
for at in .:ws .:axe-core ../../web/net:readable-stream ../e2e/npm:@novnc/novnc ../e2e/npm:@mercuryworkshop/epoxy-tls ../e2e/npm:@neondatabase/serverless; do
	folder=${at%:*} package=${at#*:}
	[ -e $folder/node_modules/$package/package.json ] || { command -v npm >/dev/null && (cd $folder && npm ci --silent); } ||
		missing="$missing npm:$package"
done
if [ -z "$missing" ]; then exit 0; fi

echo "the tests lack:" $missing "(as Debian or npm call them)" >&2
echo "install them, or name a Chromium or Chrome in CHROME; tests that need what is not there are skipped" >&2
[ "${BROWSER:-}${TSHARK:-}${SERVERS:-}" = "" ] # none is required
