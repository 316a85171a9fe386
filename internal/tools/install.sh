#!/bin/sh
# Gets what the browser tests need: a Chromium or Chrome, and a font with
# Chinese. What is there is used; what is missing comes from Debian's packages
# if they may be installed. If not, it says what to do, and fails only under
# BROWSER=required, as the tests themselves do.
set -eu

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
if [ -z "$missing" ]; then exit 0; fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing for the browser tests:" $missing
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update || : # one unreachable source need not matter
	if apt-get -qq install --no-install-recommends $missing >/dev/null; then exit 0; fi
fi

echo "the browser tests lack:" $missing "(as Debian calls them)" >&2
echo "install them, or name a Chromium or Chrome in CHROME; without a browser its tests are skipped" >&2
[ "${BROWSER:-}" != required ]
