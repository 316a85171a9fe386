//go:build !embed

package web

import (
	"context"
	"os"
)

// program returns the files of Build, compiled now.
func program(ctx context.Context) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "porthole-page-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := Build(ctx, dir); err != nil {
		return nil, err
	}
	return readAll(os.DirFS(dir))
}
