// Package browser drives a headless Chromium from tests. It opens a page as a
// visitor would see it, types, clicks, waits for what the page should become,
// and fails the test on any console error that the test did not expect.
//
//	b := browser.Start(t)
//	p := b.Open(t, server.URL, browser.Visitor{Width: 390, Height: 844, Dark: true})
//	p.Keys("哇咔咔" + kb.Enter)
//	p.Wait(`document.body.innerText.includes("你好哇咔咔")`)
//
// It is for tests of our own pages only: the browser runs without its sandbox.
package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience bounds every wait: well above what a browser needs on a busy
// machine, well below the timeout of a test binary.
const patience = 30 * time.Second

// Browser is one Chromium process with a profile of its own. Tests may share
// it, in parallel too: pages see nothing of each other.
type Browser struct {
	ctx context.Context // of the process; Start's test ends it
}

// Start starts a browser that ends with the test t: killed and waited for,
// profile removed. Should the test binary itself die, the browser dies with it.
//
// Without a browser on this machine the test is skipped, or fails if the
// environment says BROWSER=required.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := find(os.Getenv("CHROME"))
	if err != nil {
		if os.Getenv("BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), append(
		chromedp.DefaultExecAllocatorOptions[:], // headless, and silent towards the network
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // a container, or root, has no use of it
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"), // names for tests (RFC 6761 §6.2)
	)...)
	t.Cleanup(end)
	// The library logs each protocol message that its version does not know.
	// A command that fails returns its error, so nothing is lost here.
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	if err := begin(ctx, end); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// begin makes the first call on ctx. What that call starts lives as long as
// the context it is given, so it takes no deadline; end is the way out.
func begin(ctx context.Context, end context.CancelFunc) error {
	overdue := time.AfterFunc(patience, end)
	err := chromedp.Do(ctx)
	if !overdue.Stop() {
		return fmt.Errorf("no answer in %v", patience)
	}
	return err
}

// find returns the browser to run: the named one, else the first known.
func find(named string) (string, error) {
	if named != "" {
		return exec.LookPath(named)
	}
	known := []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
	}
	for _, dir := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
		known = append(known, filepath.Join(os.Getenv(dir), "Google", "Chrome", "Application", "chrome.exe"))
	}
	for _, name := range known {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium or Chrome found: install one, or name it in CHROME")
}

// Visitor is who looks at a page. The zero value has a window of 1280 × 800,
// a light colour scheme, reads English and lets the page run and move.
type Visitor struct {
	Width, Height int     // of the viewport, in CSS pixels; if zero, 1280 × 800
	Scale         float64 // device pixels per CSS pixel; if zero, 1
	Language      string  // such as "zh-CN"; if empty, "en-US"
	Dark          bool    // prefers a dark colour scheme
	ReducedMotion bool    // prefers reduced motion
	NoScript      bool    // runs no JavaScript; Eval and Wait see the page as it is
	Before        string  // JavaScript to run in each document before its own
}

// Open opens url in a window with storage and cache of its own, and returns
// when the page has loaded. The page closes with the test t, which fails then
// if the console holds an error that [Page.Allow] does not cover.
func (b *Browser) Open(t testing.TB, url string, v Visitor) *Page {
	t.Helper()
	p := &Page{Patience: patience, t: t, noScript: v.NoScript}
	ctx, leave := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	p.ctx = ctx
	t.Cleanup(func() {
		p.check()
		leave()
	})
	if err := begin(ctx, leave); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	p.do("become the visitor", v.steps()...)
	p.Navigate(url)
	return p
}

// steps are the commands that make a window the visitor's.
func (v Visitor) steps() []chromedp.Action[chromedp.Void] {
	media := func(name string, on bool, yes, no string) *emulation.MediaFeature {
		if on {
			return &emulation.MediaFeature{Name: name, Value: yes}
		}
		return &emulation.MediaFeature{Name: name, Value: no}
	}
	language := cmp.Or(v.Language, "en-US")
	return []chromedp.Action[chromedp.Void]{
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width:             int64(cmp.Or(v.Width, 1280)),
			Height:            int64(cmp.Or(v.Height, 800)),
			DeviceScaleFactor: cmp.Or(v.Scale, 1),
		}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			media("prefers-color-scheme", v.Dark, "dark", "light"),
			media("prefers-reduced-motion", v.ReducedMotion, "reduce", "no-preference"),
		}}),
		// The language as the page's scripts see it, and as its server does.
		command(emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language}),
		command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{AcceptLanguage: language}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: v.Before}),
	}
}

// command makes a step of one protocol command whose answer does not matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}
