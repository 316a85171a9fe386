package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"porthole/internal/browser"
)

// A program that never yields is stopped as any other, and the page lives on.
func TestPlayStopsALoop(t *testing.T) {
	built(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	at := port(t)
	p := playground(t, browser.Start(t), url, strings.Replace(greeterOn(at), "console.log('up')", "{ console.log('up'); for (;;); }", 1), "for (let i = 0; ; i++) console.log(i)")
	runs(p, "server")
	p.Wait(prints("server up"))
	runs(p, "client") // and one that floods
	p.Wait(prints("client 1000"))
	eval(t, p, "new Promise(requestAnimationFrame).then(() => 1)", nil)
	p.Click("#halt")
	p.Wait(prints("client stopped"))
	p.Click("#tab-server")
	p.Click("#halt")
	p.Wait(prints("server stopped"))
	free(t, at)
	runs(p, "server") // and once more, on the same port
	p.Wait("document.querySelectorAll('#lines p').length > 0 && " + prints("server up") + " && " + going)
	var lines int
	eval(t, p, "document.querySelectorAll('#lines p').length", &lines)
	if lines > 1000 {
		t.Errorf("the console holds %d lines", lines)
	}
}

// A link brings programs and runs none; what it is made of is not believed.
func TestPlayLinks(t *testing.T) {
	built(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	b := browser.Start(t)
	at := port(t)
	p := playground(t, b, url, greeterOn(at), "console.log('client')")
	p.Wait(`document.querySelector('#came').innerText.includes('Nothing runs until you press Run')`)
	p.Wait(written + fmt.Sprintf(".includes('listen(%s')", at))
	free(t, at)
	eval(t, p, `document.querySelector('#code').shadowRoot.querySelector('.cm-content').focus()`, nil)
	p.Keys("// 好\n")
	eval(t, p, `navigator.clipboard.writeText = async (text) => { window.copied = text }`, nil)
	p.Click("#link")
	p.Wait(`document.querySelector('#came').innerText.includes('The link is copied')`)
	var link string
	eval(t, p, `window.copied`, &link)
	q := b.Open(t, link, browser.Visitor{})
	q.Wait(playReady)
	q.Wait(written + ".startsWith('// 好')")
	q.Wait(halted)
	q.Wait("document.querySelectorAll('iframe').length === 0 && document.querySelectorAll('#lines p').length === 0")
	q.Click("#restore")
	q.Wait(written + ".includes('4321') && location.hash === ''")

	for name, test := range map[string]struct{ link, says string }{
		"bomb":     {linked(t, url, strings.Repeat("a", 5<<20), ""), "more than 4 MB"},
		"torn":     {url + "/play#p=AAAA", "damaged"},
		"no text":  {url + "/play#p=!", "damaged"},
		"no shape": {strings.Split(linked(t, url, "", ""), "#")[0] + "#p=q1YqVrJSMlSqBQA", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			p := b.Open(t, test.link, browser.Visitor{})
			p.Wait(playReady)
			p.Wait(fmt.Sprintf("document.querySelector('#came').innerText.includes(%q)", test.says))
			p.Wait(written + ".includes('4321')")
		})
	}
}

// escapes is all that a program may try to get at what is around it.
const escapes = `const tried = {}
const attempt = async (name, f) => { try { tried[name] = String(await f()) } catch (error) { tried[name] = error.name } }
;(async () => {
  await attempt('window', () => typeof window)
  await attempt('document', () => typeof document)
  await attempt('parent', () => typeof parent)
  await attempt('top', () => typeof top)
  await attempt('open', () => typeof open)
  await attempt('origin', () => self.origin)
  await attempt('localStorage', () => typeof localStorage)
  await attempt('cookies', () => typeof cookieStore === 'undefined' ? 'none' : cookieStore.getAll())
  await attempt('indexedDB', () => new Promise((done, fail) => { const r = indexedDB.open('x'); r.onsuccess = () => done('opened'); r.onerror = () => fail(r.error) }))
  await attempt('caches', () => caches.open('x'))
  await attempt('fetch', () => fetch('GATEWAY/healthz'))
  await attempt('no-cors', () => fetch('GATEWAY/healthz', { mode: 'no-cors' }))
  await attempt('data', () => fetch('data:,x'))
  await attempt('xhr', () => new Promise((done, fail) => { const x = new XMLHttpRequest(); x.onload = () => done('read'); x.onerror = () => fail(new TypeError()); x.open('GET', 'GATEWAY/'); x.send() }))
  await attempt('websocket', () => new Promise((done, fail) => { const s = new WebSocket('GATEWAYws/ws'.replace('http', 'ws').replace('ws/', '/')); s.onopen = () => done('open'); s.onerror = () => fail(new TypeError()) }))
  await attempt('stream', () => new Promise((done, fail) => { const s = new EventSource('GATEWAY/events'); s.onopen = () => done('open'); s.onerror = () => fail(new TypeError()) }))
  await attempt('import', () => import('GATEWAY/favicon.ico'))
  await attempt('importScripts', () => importScripts('GATEWAY/favicon.ico'))
  await attempt('eval', () => eval('1'))
  await attempt('worker', () => new Promise((done, fail) => { const w = new Worker('GATEWAY/favicon.ico'); w.onerror = () => fail(new TypeError()); w.onmessage = done }))
  await attempt('channel', () => new Promise((done) => { const c = new BroadcastChannel('porthole'); c.onmessage = ({ data }) => done(data); setTimeout(() => done('silent'), 300) }))
  postMessage({ library: 'x', program: { name: 'x' } })
  console.log(JSON.stringify(tried))
})()`

// A program gets at nothing but TCP, and of that at what the gateway allows.
func TestPlayEscapes(t *testing.T) {
	built(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := playground(t, browser.Start(t), url, strings.ReplaceAll(escapes, "GATEWAY", url), "")
	eval(t, p, `(() => { const c = new BroadcastChannel('porthole'); window.beat = setInterval(() => c.postMessage('heard'), 20); document.cookie = 'secret=1' })()`, nil)
	runs(p, "server")
	p.Wait(printed + ".some(l => l.startsWith('server {'))")
	var said string
	eval(t, p, printed+".find(l => l.startsWith('server {')).slice('server '.length)", &said)
	var tried map[string]string
	if err := json.Unmarshal([]byte(said), &tried); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	want := map[string]string{
		"window": "undefined", "document": "undefined", "parent": "undefined", "top": "undefined", "open": "undefined", "origin": "null",
		"localStorage": "undefined", "cookies": "none", "channel": "silent",
	}
	for _, name := range []string{"fetch", "no-cors", "data", "xhr", "websocket", "stream", "import", "importScripts", "eval", "worker", "indexedDB", "caches"} {
		want[name] = "an error"
	}
	for name, want := range want {
		got, ok := tried[name]
		if want == "an error" {
			ok = ok && (strings.HasSuffix(got, "Error"))
			got = fmt.Sprintf("%q, want an error", got)
		} else {
			ok = got == want
		}
		if !ok {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, noise := range []string{"Content Security Policy", "Content-Security-Policy"} { // the browser says what it has refused
		p.Allow(noise)
	}
}

// A gateway that was built without npm says what to do.
func TestPlayUnbuilt(t *testing.T) {
	depend(t)
	dist, err := filepath.Abs(filepath.Join("..", "..", "web", "static", "play", "dist"))
	if err != nil {
		t.Fatal(err)
	}
	without, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(dist, "worker.js"): "", filepath.Join(dist, "editor.js"): "",
	}})
	if err != nil {
		t.Fatal(err)
	}
	overlay, made := filepath.Join(t.TempDir(), "overlay.json"), filepath.Join(t.TempDir(), "gateway")
	if err := os.WriteFile(overlay, without, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", made, "porthole/gateway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	url := start(t, made, "--listen", "127.0.0.1:0", "--greeter", "127.0.0.1:0").line("open ")
	p := browser.Start(t).Open(t, url, browser.Visitor{})
	p.Wait(connected)
	p.Click(`a[href="play"]`)
	p.Wait(`location.pathname === '/play' && document.body.innerText.includes('make play') && document.querySelector('[lang=zh-CN]').innerText.includes('npm')`)
	p.Click(`a[href="./"]`)
	p.Wait(`location.pathname === '/'`)
}
