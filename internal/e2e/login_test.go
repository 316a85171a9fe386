package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// adrift allows what Chromium notes of each try in vain to reach the gateway.
func adrift(p *browser.Page) {
	p.Allow("WebSocket connection to")
	p.Allow("Failed to load resource") // the page asks why
}

// A gateway with keys shows the way in, and lets in who has one, by the keyboard
// alone; out again, too, and whose key is taken away.
func TestLoginInThePage(t *testing.T) {
	const key = "a-key-that-is-long-enough"
	keys := filepath.Join(t.TempDir(), "keys")
	write := func(line string) {
		t.Helper()
		if err := os.WriteFile(keys, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("someone " + key)
	_, target, _ := tcpserver(t)
	_, url := gateway(t, "--keys", keys, "--target", target)
	p := browser.Start(t).Open(t, url, browser.Visitor{})
	const form = `location.pathname === '/login' && document.activeElement.id === 'key'`
	const wrong = `getComputedStyle(document.querySelector('#wrong')).display !== 'none'`
	p.Wait(form + ` && !(` + wrong + `)`)
	p.Keys("no one's key" + kb.Enter)
	p.Wait(wrong)
	p.Wait(form)
	for range 2 {
		p.Keys(key + kb.Enter)
		p.Wait(connected)
		p.Keys(kb.Enter)
		p.Wait(greeted)
		p.Click("#logout")
		p.Wait(form)
		p.Navigate(url)
		p.Wait(form) // and no way around it
	}
	p.Keys(key + kb.Enter)
	p.Wait(connected)
	adrift(p)
	write("someone another-key-that-is-long-enough")
	p.Wait(form)
}

func TestLoginIsAccessible(t *testing.T) {
	script := axe(t)
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("someone a-key-that-is-long-enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, url := gateway(t, "--keys", keys, "--target", unused(t))
	b := browser.Start(t)
	for _, dark := range []bool{false, true} {
		p := b.Open(t, url+"/login#key", browser.Visitor{Width: 390, Dark: dark})
		p.Wait(`getComputedStyle(document.querySelector('#wrong')).display !== 'none'`)
		eval(t, p, script, nil)
		accessible(t, p, fmt.Sprintf("the way in, dark=%v", dark))
	}
}
