package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// axe is the accessibility checker from npm, as a script for a page. It is
// injected by the browser's driver, so that our policy need not allow it.
func axe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "tools", "node_modules", "axe-core", "axe.min.js"))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("BROWSER") != "required" {
		t.Skip("axe-core is not here: make tools gets it from npm")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// accessible fails the test for what axe-core finds, once it is in the page.
func accessible(t *testing.T, p *browser.Page, what string) {
	t.Helper()
	var found []string
	eval(t, p, `axe.run().then(r => r.violations.map(v =>
		v.id + ': ' + v.help + '\n' + v.nodes.map(n => '    ' + n.target + ': ' + n.any.concat(n.all, n.none).map(c => c.message).join('; ')).join('\n')))`, &found)
	for _, v := range found {
		t.Errorf("%s: %s", what, v)
	}
}

// axe-core finds nothing, in either theme and language, wide and narrow, with
// something of everything in view.
func TestAccessible(t *testing.T) {
	script := axe(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	b := browser.Start(t)
	for _, width := range []int{390, 1100} {
		for _, language := range []string{"en", "zh-CN"} {
			for _, dark := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s dark=%v", width, language, dark), func(t *testing.T) {
					p := b.Open(t, url, browser.Visitor{Width: width, Height: 844, Language: language, Dark: dark, ReducedMotion: true})
					p.Wait(connected)
					eval(t, p, script, nil)
					accessible(t, p, "before anything was said")
					p.Keys(kb.Enter)
					p.Wait(table + `.includes('client data 15 B')`)
					eval(t, p, `document.querySelector('#ladder').focus()`, nil)
					p.Keys("3")
					p.Wait(`document.querySelector('#lessons').ariaBusy !== 'true' && document.querySelector('#inspect').textContent.includes('→')`)
					accessible(t, p, "a character cut in two")
					eval(t, p, `document.querySelector('#helpbox').open || document.querySelector('#help').click()`, nil)
					accessible(t, p, "help")
				})
			}
		}
	}
}

// Nor does it in the playground, before and after programs have run.
func TestPlayIsAccessible(t *testing.T) {
	built(t)
	script := axe(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	b := browser.Start(t)
	for _, width := range []int{390, 1100} {
		for _, language := range []string{"en", "zh-CN"} {
			for _, dark := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s dark=%v", width, language, dark), func(t *testing.T) {
					at := linked(t, url, greeterOn(port(t)), "console.log('哇'); null.x")
					p := b.Open(t, at, browser.Visitor{Width: width, Height: 844, Language: language, Dark: dark, ReducedMotion: true})
					p.Wait(playReady)
					eval(t, p, script, nil)
					accessible(t, p, "before anything runs")
					runs(p, "server")
					p.Wait("document.querySelectorAll('#rows .ev').length > 1")
					runs(p, "client")
					p.Wait("document.querySelectorAll('#lines .stderr').length > 0")
					accessible(t, p, "one runs, one broke")
				})
			}
		}
	}
}
