package main

import (
	"context"

	"github.com/pkg/browser"
)

// open shows a page in the default browser, and warns if it cannot. It returns
// when the program that starts the browser has ended, or with the context: where
// that program is the browser, it is not ours to end, nor to wait for.
func (g *gateway) open(ctx context.Context, url string) {
	browser.Stdout, browser.Stderr = g.stderr, g.stderr // stdout is for the address alone
	ended := make(chan error, 1)                        // the program may outlive open
	go func() { ended <- browser.OpenURL(url) }()
	select {
	case err := <-ended:
		if err != nil {
			g.logger.Warn("no browser was opened", "error", err)
		}
	case <-ctx.Done():
	}
}
