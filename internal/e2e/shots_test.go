package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// TestShots makes pictures of the page, in the folder that SHOTS names: to look
// at, and the README's. `make shots` runs it.
func TestShots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("make shots makes the pictures")
	}
	b := browser.Start(t)
	for _, width := range []int{390, 1100, 1440} {
		for _, language := range []string{"en", "zh-CN"} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("page-%d-%s-%s", width, map[bool]string{false: "light", true: "dark"}[dark], language[:2])
				t.Run(name, func(t *testing.T) {
					_, url := gateway(t, "--greeter", "localhost:0")
					p := b.Open(t, url, browser.Visitor{Width: width, Height: 844, Language: language, Dark: dark})
					p.Wait(connected)
					for n := range 3 {
						lesson(t, p, n)
					}
					eval(t, p, `document.activeElement.blur()`, nil)
					p.Screenshot(filepath.Join(dir, name+".png"))
				})
			}
		}
	}
	for name, sight := range sights {
		for _, width := range []int{390, 1100} {
			t.Run(fmt.Sprint(name, " ", width), func(t *testing.T) {
				gw, url := gateway(t, "--greeter", "localhost:0")
				p := b.Open(t, url, browser.Visitor{Width: width, Height: 844})
				adrift(p)
				p.Wait(connected)
				sight(t, p, gw)
				p.Screenshot(filepath.Join(dir, fmt.Sprintf("state-%d-%s.png", width, name)))
			})
		}
	}
}

// TestPlayShots makes pictures of the playground in the same way.
func TestPlayShots(t *testing.T) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		t.Skip("make shots makes the pictures")
	}
	built(t)
	b := browser.Start(t)
	for _, width := range []int{390, 1100, 1440} {
		for _, language := range []string{"en", "zh-CN"} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("play-%d-%s-%s", width, map[bool]string{false: "light", true: "dark"}[dark], language[:2])
				t.Run(name, func(t *testing.T) {
					_, url := gateway(t, "--greeter", "localhost:0")
					p := b.Open(t, url+"/play", browser.Visitor{Width: width, Height: 844, Language: language, Dark: dark})
					p.Wait(playReady)
					runs(p, "server")
					p.Wait(prints("listening on"))
					for range 2 {
						runs(p, "client")
						p.Wait(halted)
					}
					eval(t, p, `document.activeElement.blur()`, nil)
					p.Screenshot(filepath.Join(dir, name+".png"))
					if width == 390 {
						eval(t, p, `scrollTo(0, 1e6)`, nil)
						p.Screenshot(filepath.Join(dir, name+"-below.png"))
					}
				})
			}
		}
	}
}

// sights are the states that the page can be in.
var sights = map[string]func(t *testing.T, p *browser.Page, gw *process){
	"empty": func(*testing.T, *browser.Page, *process) {},
	"burst": func(t *testing.T, p *browser.Page, _ *process) {
		eval(t, p, `document.querySelector('#times').value = '1000'`, nil)
		p.Keys(kb.Enter)
		p.Wait(`[...document.querySelectorAll('.fold')].some(f => f.textContent.includes('×'))`)
		p.Wait(`document.querySelector('#lessons').ariaBusy !== 'true'`)
	},
	"halfclose": func(t *testing.T, p *browser.Page, _ *process) { lesson(t, p, 3) },
	"reset":     func(t *testing.T, p *browser.Page, _ *process) { lesson(t, p, 4) },
	"full": func(t *testing.T, p *browser.Page, _ *process) {
		press(t, p, "6")
		p.Wait(`!document.querySelector('#held').hidden && document.querySelector('#c2s').innerText.includes('MB')`)
	},
	"filter": func(t *testing.T, p *browser.Page, _ *process) {
		lesson(t, p, 1)
		search(t, p, "data")
		p.Wait(`document.querySelectorAll('#rows .dim').length > 0`)
	},
	"sockets": func(t *testing.T, p *browser.Page, _ *process) {
		lesson(t, p, 0)
		eval(t, p, `document.querySelector('#another').click()`, nil)
		p.Wait(table + `.filter(r => r.startsWith('server connection')).length === 2`)
		lesson(t, p, 0)
	},
	"help": func(t *testing.T, p *browser.Page, _ *process) { p.Click("#help") },
	"keep": func(t *testing.T, p *browser.Page, _ *process) { lesson(t, p, 0); p.Click("#keep") },
	"lost": func(t *testing.T, p *browser.Page, gw *process) { lesson(t, p, 0); gw.kill(); p.Wait(lost) },
	"share": func(t *testing.T, p *browser.Page, _ *process) {
		lesson(t, p, 2)
		link(t, p)
		p.Reload()
		p.Wait(captured)
	},
}
