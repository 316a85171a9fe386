//go:build ignore

// Gen fills the directory it is given with what a release of the page has
// instead of its sources; "go generate ./web" gives it dist.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"porthole/web"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run gen.go DIR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	// A browser finds modules one through the other, and asks for six at a time:
	// at 60 ms a turn they would take half a second to come. So they are joined.
	for _, name := range []string{"app.js", "play/app.js"} {
		join := exec.CommandContext(ctx, "go", "tool", "-modfile=../internal/tools/go.mod", "esbuild", "static/"+name, "--external:./dist/*",
			"--bundle", "--format=esm", "--minify", "--charset=utf8", "--log-level=warning", "--outfile="+filepath.Join(dir, name))
		join.Stdout, join.Stderr = os.Stderr, os.Stderr
		if err := join.Run(); err != nil {
			return fmt.Errorf("join the modules of %s: %w", name, err)
		}
	}
	return web.Release(ctx, dir)
}
