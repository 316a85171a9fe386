//go:build embed

package web

import (
	"context"
	"embed"
	"io/fs"
)

// Every file is named, so that one Release did not get to is a compile error.
//
//go:embed dist/page.wasm dist/page.wasm.br dist/page.wasm.gz
//go:embed dist/tab.wasm dist/tab.wasm.br dist/tab.wasm.gz
//go:embed dist/wasm_exec.js dist/wasm_exec.js.br dist/wasm_exec.js.gz
//go:embed dist/app.js dist/app.js.br dist/app.js.gz
//go:embed dist/play/app.js dist/play/app.js.br dist/play/app.js.gz
var dist embed.FS

// program returns the files of Release, compiled before this binary was.
func program(context.Context) (map[string][]byte, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return readAll(files)
}
