//go:build ignore

// Gen fills the directory it is given with the page's program for a release;
// "go generate ./web" gives it dist.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"porthole/web"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run gen.go DIR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := web.Release(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
