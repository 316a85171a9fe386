#!/bin/sh
# Bundles the programs for a page into a folder: net is the package that lies in the
# folder as net.mjs, and Node's other modules are what bundlers have for them.
set -eu
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
std=./node_modules/node-stdlib-browser
aliases=
for at in net="$out/net.mjs" buffer=./buffer.cjs crypto=./crypto.cjs zlib=./zlib.cjs \
	events=./node_modules/events/ os=./node_modules/os-browserify/ path=./node_modules/path-browserify/ \
	process=$std/cjs/proxy/process stream=./node_modules/stream-browserify/ string_decoder=./node_modules/string_decoder/ \
	timers=./node_modules/timers-browserify/ url=$std/cjs/proxy/url.js util=./node_modules/util/ \
	util/types=./node_modules/util/support/types.js assert=./node_modules/assert/; do
	aliases="$aliases --alias:$at --alias:node:$at"
done
for name in child_process cluster cpu-features dns fs http http2 https perf_hooks readline tls worker_threads; do
	aliases="$aliases --alias:$name=./empty.cjs --alias:node:$name=./empty.cjs"
done
build() {
	go tool -modfile=../../tools/go.mod esbuild "$@" --bundle --format=esm --charset=utf8 --target=es2022 \
		--log-level=warning --outdir="$out/programs" $aliases --inject:./gateway.js
}
build redis.js pg.js ssh2.js --platform=browser
build mqtt.js --platform=node # for browsers the package has a build that knows WebSockets alone
