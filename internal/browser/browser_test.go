package browser_test

import (
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// csp is as strict as the page's own: the driver must do without eval.
const csp = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:"

const home = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>home</title>
<style>html { background: red } @media (prefers-color-scheme: dark) { html { background: blue } }</style>
<noscript>no script</noscript>
<form><input autofocus><button type="button" style="margin-top: 2000px">press</button></form>
<script>
const said = []
document.forms[0].onsubmit = event => { event.preventDefault(); said.push(document.querySelector('input').value) }
document.querySelector('button').onclick = event => said.push(event.isTrusted ? 'pressed' : 'forged')
document.onkeydown = event => { if (event.key == 'Tab' && event.shiftKey) said.push('back') }
</script>`

// serve starts a server of the page home, of what else a test needs below
// /PATH, and of the Accept-Language of each request at /language.
func serve(t *testing.T, pages map[string]string) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /language", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Accept-Language"))
	})
	mux.HandleFunc("GET /{path...}", func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.PathValue("path")]
		switch {
		case ok:
		case r.URL.Path == "/":
			body = home
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// TestPage drives one browser through everything a page can do.
func TestPage(t *testing.T) {
	b := browser.Start(t)

	t.Run("keys and clicks reach the page", func(t *testing.T) {
		p := b.Open(t, serve(t, nil), browser.Visitor{})
		p.Keys("哇咔咔 A!" + kb.Enter)
		p.Keys(kb.Tab, kb.ModifierShift)
		p.Click("button")
		var said []string
		if err := p.Eval("said", &said); err != nil {
			t.Fatal(err)
		}
		if want := []string{"哇咔咔 A!", "back", "pressed"}; !slices.Equal(said, want) {
			t.Errorf("the page heard %q, want %q", said, want)
		}
	})

	t.Run("eval", func(t *testing.T) {
		p := b.Open(t, serve(t, nil), browser.Visitor{})
		for _, test := range []struct{ name, expr, want, err string }{
			{name: "value", expr: "`1 + ${1}`", want: "1 + 1"},
			{name: "promise", expr: "new Promise(done => setTimeout(done, 1, 'later'))", want: "later"},
			{name: "exception", expr: "null.x", err: "TypeError"},
			{name: "rejection", expr: "Promise.reject(new RangeError('too far'))", err: "too far"},
			{name: "syntax", expr: "1 +", err: "SyntaxError"},
			{name: "undefined", expr: "undefined", err: "no JSON form"},
			{name: "other type", expr: "[]", err: "unmarshal"},
		} {
			t.Run(test.name, func(t *testing.T) {
				var got string
				err := p.Eval(test.expr, &got)
				if got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one with %q", err, test.err)
				}
			})
		}
	})

	t.Run("wait", func(t *testing.T) {
		p := b.Open(t, serve(t, map[string]string{"next": `<title>next</title>`}), browser.Visitor{})
		p.Wait("document.title == 'home'")
		soon := func(statement string) {
			t.Helper()
			if err := p.Eval(fmt.Sprintf("setTimeout(() => { %s }, 150), null", statement), nil); err != nil {
				t.Fatal(err)
			}
		}
		soon("window.late = {set: true}")
		p.Wait("late.set // throws at first")
		soon("location = '/next'")
		p.Wait("document.title == 'next'")
	})

	t.Run("navigate and reload", func(t *testing.T) {
		p := b.Open(t, serve(t, map[string]string{"next": `<title>next</title>`}), browser.Visitor{})
		var url string
		if err := p.Eval("location.href", &url); err != nil {
			t.Fatal(err)
		}
		p.Navigate(url + "next")
		p.Wait("document.title == 'next'")
		if err := p.Eval("document.title = 'gone with a reload'", nil); err != nil {
			t.Fatal(err)
		}
		p.Reload()
		p.Wait("document.title == 'next'")
	})

	t.Run("pages share nothing", func(t *testing.T) {
		url := serve(t, nil)
		first, second := b.Open(t, url, browser.Visitor{}), b.Open(t, url, browser.Visitor{})
		if err := first.Eval("localStorage.mine = 1", nil); err != nil {
			t.Fatal(err)
		}
		second.Wait("localStorage.mine === undefined")
		for _, p := range []*browser.Page{first, second} { // nor takes one the other's frames or focus
			p.Wait("new Promise(requestAnimationFrame)")
			p.Wait("document.hasFocus()")
		}
	})

	t.Run("throttle", func(t *testing.T) {
		p := b.Open(t, serve(t, map[string]string{"big": strings.Repeat("x", 100_000)}), browser.Visitor{})
		fetch := func() (took float64) {
			t.Helper()
			const expr = `(async () => {
				const start = performance.now()
				await (await fetch('/big', {cache: 'no-store'})).text()
				return performance.now() - start
			})()`
			if err := p.Eval(expr, &took); err != nil {
				t.Fatal(err)
			}
			return took
		}
		p.Throttle(100*time.Millisecond, 400_000)
		if took := fetch(); took < 300 { // 100 ms latency, 250 ms of transfer
			t.Errorf("throttled: %.0f ms, want at least 300", took)
		}
		p.Throttle(0, 0)
		if took := fetch(); took > 250 {
			t.Errorf("no longer throttled: still %.0f ms", took)
		}
	})

	t.Run("console", func(t *testing.T) {
		p := b.Open(t, serve(t, map[string]string{"talks": `<link rel="icon" href="data:,"><script>
			console.log('one', 2, {three: 3}, null, undefined, true)
			console.warn('careful')
			console.error('bad', new Error('worse'))
			fetch('/missing')
			setTimeout(() => { throw new TypeError('thrown') })
			Promise.reject('rejected')
		</script>`}), browser.Visitor{})
		p.Allow("worse") // before it happens
		var url string
		if err := p.Eval("location.href", &url); err != nil {
			t.Fatal(err)
		}
		p.Navigate(url + "talks")
		p.Allow("404")
		p.Allow("thrown")
		p.Allow("rejected")
		p.Wait("fetch('/missing').then(() => true)")
		got := strings.Join(p.Console(), "\n")
		for _, want := range []string{
			"log: one 2 Object null undefined true",
			"warning: careful",
			"error: bad Error: worse",
			"error: Failed to load resource: the server responded with a status of 404 (Not Found) " + url + "missing",
			"exception: Uncaught TypeError: thrown",
			"exception: Uncaught (in promise) rejected",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the console lacks %q:\n%s", want, got)
			}
		}
	})
}

func TestVisitor(t *testing.T) {
	b := browser.Start(t)
	for _, test := range []struct {
		name    string
		visitor browser.Visitor
		true    []string
		size    [2]int // of a screenshot, in device pixels
		red     bool   // its corner, else blue
	}{
		{"zero", browser.Visitor{}, []string{
			"innerWidth == 1280 && innerHeight == 800 && devicePixelRatio == 1",
			"matchMedia('(prefers-color-scheme: light)').matches",
			"matchMedia('(prefers-reduced-motion: no-preference)').matches",
			"navigator.language == 'en-US' && (1234.5).toLocaleString() == '1,234.5'",
			"fetch('/language').then(r => r.text()).then(l => l.startsWith('en-US'))",
			"said.length == 0",
		}, [2]int{1280, 800}, true},
		{"phone in Chinese, dark and still", browser.Visitor{
			Width: 390, Height: 844, Scale: 2, Dark: true, Language: "zh-CN", ReducedMotion: true, Before: "window.was = typeof said",
		}, []string{
			"innerWidth == 390 && innerHeight == 844 && devicePixelRatio == 2",
			"matchMedia('(prefers-color-scheme: dark)').matches",
			"matchMedia('(prefers-reduced-motion: reduce)').matches",
			"navigator.language == 'zh-CN' && new Date(0).toLocaleDateString(undefined, {month: 'long'}) == '一月' && was == 'undefined'",
			"fetch('/language').then(r => r.text()).then(l => l.startsWith('zh-CN'))",
		}, [2]int{780, 1688}, false},
		{"without script", browser.Visitor{NoScript: true}, []string{
			"typeof said == 'undefined'",
			"document.body.innerText.includes('no script')",
		}, [2]int{1280, 800}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := b.Open(t, serve(t, nil), test.visitor)
			for _, expr := range test.true {
				p.Wait(expr)
			}
			path := filepath.Join(t.TempDir(), "page.png")
			p.Screenshot(path)
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			shot, err := png.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]int{shot.Bounds().Dx(), shot.Bounds().Dy()}; got != test.size {
				t.Errorf("the screenshot measures %v, want %v", got, test.size)
			}
			if r, _, b, _ := shot.At(1, 1).RGBA(); (r > b) != test.red {
				t.Errorf("the screenshot's corner is %v", shot.At(1, 1))
			}
		})
	}
}

// TestFailures lets a stand-in for the test see what would fail a real one.
func TestFailures(t *testing.T) {
	b := browser.Start(t)
	url := serve(t, map[string]string{"throws": `<link rel="icon" href="data:,"><script>null.x</script>`})
	hurried := func(t testing.TB) *browser.Page {
		p := b.Open(t, url, browser.Visitor{})
		p.Patience = time.Second
		return p
	}

	for _, test := range []struct {
		name string
		run  func(t testing.TB)
		want []string // in what the test says; none: it passes
	}{
		{"uncaught exception", func(t testing.TB) {
			b.Open(t, url+"/throws", browser.Visitor{})
		}, []string{"the page's console: exception: Uncaught TypeError"}},
		{"console error", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Eval("console.error('oh'), null", nil)
		}, []string{"the page's console: error: oh"}},
		{"failed assertion", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Eval("console.assert(false, 'no'), null", nil)
		}, []string{"the page's console: assert: no"}},
		{"other error allowed", func(t testing.TB) {
			b.Open(t, url+"/throws", browser.Visitor{}).Allow("RangeError")
		}, []string{"TypeError"}},
		{"error allowed", func(t testing.TB) {
			b.Open(t, url+"/throws", browser.Visitor{}).Allow("TypeError")
		}, nil},
		{"caught by eval", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Eval("null.x", nil)
		}, nil},
		{"warning", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Eval("console.warn('hm'), null", nil)
		}, nil},
		{"wait in vain", func(t testing.TB) {
			p := hurried(t)
			p.Eval("console.log('so far, so good'), null", nil)
			p.Wait("document.title == 'away' && 1")
			t.Errorf("the test went on")
		}, []string{"document.title == 'away'", "it is false", "log: so far, so good"}},
		{"wait for a mistake", func(t testing.TB) {
			hurried(t).Wait("nowhere.to.be.found")
		}, []string{"it is ReferenceError: nowhere is not defined"}},
		{"wait for nonsense", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Wait("1 +")
		}, []string{"SyntaxError"}},
		{"page hangs", func(t testing.TB) {
			p := hurried(t)
			p.Eval("setTimeout(() => { for (;;); }), null", nil)
			p.Wait("true")
		}, []string{"the page does not answer"}},
		{"page crashes", func(t testing.TB) {
			p := hurried(t)
			defer func() { // the event may come behind the command's error
				for range 1000 {
					if slices.ContainsFunc(p.Console(), func(s string) bool { return strings.HasPrefix(s, "crash") }) {
						return
					}
					<-time.After(10 * time.Millisecond)
				}
			}()
			p.Navigate("chrome://crash")
		}, []string{"crash: the page's process is gone"}},
		{"nothing to click", func(t testing.TB) {
			hurried(t).Click("#nothing")
		}, []string{"click #nothing"}},
		{"no such server", func(t testing.TB) {
			b.Open(t, "http://127.0.0.1:1", browser.Visitor{})
		}, []string{"navigate to http://127.0.0.1:1", "ERR_"}},
		{"no such folder", func(t testing.TB) {
			b.Open(t, url, browser.Visitor{}).Screenshot(filepath.Join(url, "page.png"))
		}, []string{"screenshot"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			said := standIn(t, test.run)
			if failed := said != ""; failed != (len(test.want) > 0) || strings.Contains(said, "went on") {
				t.Errorf("it said %q", said)
			}
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("it said %q, which lacks %q", said, want)
				}
			}
		})
	}
}

func TestNoBrowser(t *testing.T) {
	t.Setenv("CHROME", filepath.Join(t.TempDir(), "none"))
	for required, want := range map[string]string{"": "skipped: ", "required": "failed: "} {
		t.Setenv("BROWSER", required)
		said := standIn(t, func(t testing.TB) { browser.Start(t) })
		if !strings.HasPrefix(said, want) || !strings.Contains(said, "none") {
			t.Errorf("BROWSER=%s: it said %q, want %q and the name", required, said, want)
		}
	}
}
