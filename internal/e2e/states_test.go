package e2e_test

import (
	"fmt"
	"testing"

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
