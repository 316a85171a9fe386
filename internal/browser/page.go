package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Page is one page in a window of its own. Its methods are for the goroutine
// of the test; what fails, ends that test and shows the page's console.
type Page struct {
	// Patience bounds each call. Open sets it to 30 s.
	Patience time.Duration

	t        testing.TB
	ctx      context.Context // of the window
	noScript bool            // its timers and frames stand still too

	mu       sync.Mutex // protects what the listener writes
	messages []message
	allowed  []string
}

// Navigate goes to url and waits until it has loaded and been drawn.
func (p *Page) Navigate(url string) {
	p.t.Helper()
	p.load("navigate to "+url, chromedp.Navigate(url))
}

// Reload loads the page again and waits until it has loaded and been drawn.
func (p *Page) Reload() {
	p.t.Helper()
	p.load("reload", chromedp.Reload())
}

// load runs a step that loads, and waits for a frame: autofocus comes with it.
func (p *Page) load(what string, step chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.do(what, step)
	if !p.noScript {
		p.Wait("new Promise(requestAnimationFrame)")
	}
}

// Click waits until the first element that matches the CSS selector is
// visible, scrolls to it and clicks at its centre.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Keys types text into the focused element, key by key. The package
// github.com/chromedp/chromedp/kb names the keys that are no letters:
// p.Keys("哇咔咔" + kb.Enter), p.Keys(kb.Tab, kb.ModifierShift).
func (p *Page) Keys(text string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.do(fmt.Sprintf("type %q", text), chromedp.KeyEvent(text, chromedp.KeyModifiers(modifiers...)))
}

// Throttle slows down the requests and WebSockets that the page opens from now
// on: latency is added to each, and bytesPerSecond limits each direction of
// all of them together. Zero lifts either.
func (p *Page) Throttle(latency time.Duration, bytesPerSecond int) {
	p.t.Helper()
	rate := float64(bytesPerSecond)
	if rate == 0 {
		rate = -1 // the protocol's word for no limit
	}
	p.do("throttle", command(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			Latency:            float64(latency.Milliseconds()),
			DownloadThroughput: rate,
			UploadThroughput:   rate,
		}},
	}))
}

// Screenshot writes what the viewport shows to path, as PNG.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		p.fatalf("screenshot: %v", err)
	}
}

// Eval evaluates a JavaScript expression in the page, awaits it if it is a
// promise, and decodes its JSON form into out; a nil out discards it. What the
// expression throws, or rejects with, is the error.
func (p *Page) Eval(expr string, out any) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	return eval(ctx, expr, out)
}

func eval(ctx context.Context, expr string, out any) error {
	value, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expr, chromedp.EvalAwaitPromise))
	switch {
	case err != nil:
		return fmt.Errorf("eval %s: %w", expr, err)
	case out == nil:
		return nil
	case value == nil: // undefined, NaN, a bigint
		return fmt.Errorf("eval %s: the value has no JSON form", expr)
	}
	if err := json.Unmarshal(value, out); err != nil {
		return fmt.Errorf("eval %s: %w", expr, err)
	}
	return nil
}

// untilTrue asks on every frame, and on a timer too, as a hidden page has no
// frames. It answers null once the expression is truthy, or says what it last
// was. It is evaluated as a whole: the library's own Poll compiles its
// predicate in the page, which our content security policy forbids.
const untilTrue = `(async () => {
	const end = performance.now() + %d
	for (;;) {
		let last
		try {
			last = await (%s
			)
			if (last) return null
		} catch (err) {
			last = err
		}
		if (performance.now() > end) return String(last)
		await new Promise(next => { requestAnimationFrame(next); setTimeout(next, 100) })
	}
})()`

// Wait returns once the JavaScript expression is truthy, awaited if it is a
// promise. An expression that throws is not true yet, and a navigation starts
// it over in the new document.
func (p *Page) Wait(expr string) {
	p.t.Helper()
	end := time.Now().Add(p.Patience)
	// The page gives up first, as it knows what the expression was; a page
	// that hangs cannot, hence the second limit, with room for a busy machine.
	ctx, cancel := context.WithDeadline(p.ctx, end.Add(10*time.Second))
	defer cancel()
	for {
		var last *string
		err := eval(ctx, fmt.Sprintf(untilTrue, max(0, time.Until(end).Milliseconds()), expr), &last)
		switch {
		case err == nil && last == nil:
			return
		case err == nil:
			p.fatalf("waited %v for %s\nit is %s", p.Patience, expr, *last)
		case errors.Is(err, context.DeadlineExceeded):
			p.fatalf("waited %v for %s\nthe page does not answer", p.Patience, expr)
		case !navigated(err):
			p.fatalf("wait for %s: %v", expr, err)
		}
	}
}

// navigated reports whether err says that the document went away under a
// command. The protocol has no code for it, only words.
func navigated(err error) bool {
	e, ok := errors.AsType[*cdproto.Error](err)
	return ok && (strings.Contains(e.Message, "navigated") || strings.Contains(e.Message, "context was destroyed"))
}

// do runs steps on the page; the test ends if one fails.
func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fatalf("%s: %v", what, err)
	}
}

// fatalf ends the test, with what the page's console says.
func (p *Page) fatalf(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\nconsole:\n\t%s", fmt.Sprintf(format, args...), strings.Join(p.Console(), "\n\t"))
}
