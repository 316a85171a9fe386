#!/bin/sh
# Builds the package into dist, or into the folder it is given: one file for import
# and one for require, with all they need inside.
set -eu
out=$(mkdir -p "${1:-$(dirname "$0")/dist}" && cd "${1:-$(dirname "$0")/dist}" && pwd)
cd "$(dirname "$0")"
for form in esm:mjs cjs:cjs; do
	go tool -modfile=../../internal/tools/go.mod esbuild src/index.js --bundle --minify --charset=utf8 \
		--platform=browser --target=es2022 --log-level=warning --format="${form%:*}" --outfile="$out/net.${form#*:}" \
		--alias:process=./src/process.js --alias:buffer=./src/buffer.js --alias:abort-controller=./src/abort.js \
		--alias:safe-buffer=./src/buffer.js
done
