package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// The states in which there is no program to draw them: each says what is the
// matter, and what to do.
func TestPageWithoutProgram(t *testing.T) {
	_, url := gateway(t, "--target", serve(t, echo))
	b := browser.Start(t)
	for name, tc := range map[string]struct {
		visitor browser.Visitor
		want    string
	}{
		"no script":      {browser.Visitor{NoScript: true}, "JavaScript is turned off"},
		"no WebAssembly": {browser.Visitor{Before: "delete globalThis.WebAssembly"}, "WebAssembly is turned off"},
		"no program":     {browser.Visitor{Before: "globalThis.fetch = () => Promise.reject(new Error('unplugged'))"}, "unplugged"},
		"loading":        {browser.Visitor{Before: "globalThis.fetch = () => new Promise(() => {})"}, "Loading the program"},
	} {
		t.Run(name, func(t *testing.T) {
			p := b.Open(t, url, tc.visitor)
			p.Wait(fmt.Sprintf("document.querySelector('main').innerText.includes(%q)", tc.want))
			if name != "loading" {
				p.Wait(`document.querySelector('main').innerText.includes('printf 哇咔咔 | nc')`)
			}
		})
	}
}

// The page is in the visitor's language, and in the other at a click.
func TestPageLanguages(t *testing.T) {
	_, url := gateway(t, "--target", serve(t, echo))
	p := browser.Start(t).Open(t, url, browser.Visitor{Language: "zh-CN"})
	p.Wait(connected)
	p.Wait(`document.documentElement.lang === 'zh-CN' && document.querySelector('#go').textContent === '发送'`)
	p.Click(`.lang [lang=en]`)
	p.Wait(`document.documentElement.lang === 'en' && document.querySelector('#go').textContent === 'Send'`)
	p.Reload()
	p.Wait(`document.querySelector('#go').textContent === 'Send'`)
}

// A character that is cut in two is whole in what was said.
func TestPageCutCharacter(t *testing.T) {
	_, url := gateway(t, "--target", serve(t, echo))
	p := browser.Start(t).Open(t, url, browser.Visitor{})
	p.Wait(connected)
	eval(t, p, `(async () => {
		const bytes = new TextEncoder().encode('拆😀字')
		for (const byte of bytes) {
			const echoed = new Promise(done => { porthole.ondata = done })
			porthole.send(new Uint8Array([byte]), 1)
			await echoed
		}
	})()`, nil)
	p.Wait(`document.querySelector('#said').innerText.includes('字')`)
	var said string
	eval(t, p, `document.querySelector('#said').innerText`, &said)
	if strings.Contains(said, "\ufffd") || strings.Count(said, "拆") != 2 || strings.Count(said, "😀") != 2 {
		t.Errorf("what was said: %q, want each character whole, twice", said)
	}
}

// TestShots makes pictures of the page, in the folder that SHOTS names: to look
// at, and the README's. `make shots` runs it.
func TestShots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("make shots makes the pictures")
	}
	b := browser.Start(t)
	for _, width := range []int{390, 1100} {
		for _, language := range []string{"en", "zh-CN"} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("page-%d-%s-%s", width, map[bool]string{false: "light", true: "dark"}[dark], language[:2])
				t.Run(name, func(t *testing.T) {
					_, target, events := tcpserver(t, "--listen", "localhost:0")
					_, url := gateway(t, "--target", target[:strings.IndexByte(target, ' ')], "--watch", events)
					p := b.Open(t, url, browser.Visitor{Width: width, Height: 844, Language: language, Dark: dark})
					scene(t, p)
					p.Screenshot(filepath.Join(dir, name+".png"))
				})
			}
		}
	}
}

// scene is a conversation: a greeting, five writes at once, and an end.
func scene(t *testing.T, p *browser.Page) {
	t.Helper()
	p.Wait(connected)
	p.Keys(kb.Enter)
	p.Wait(greeted)
	eval(t, p, `document.querySelector('#times').value = '5'`, nil)
	p.Keys(kb.Enter)
	p.Wait(`document.querySelector('#c2s').innerText.match(/54 B/g)?.length === 2`)
	p.Wait(`document.querySelector('#said').innerText.split('哇咔咔').length === 1 + 1 + 1 + 1 + 5`)
}
