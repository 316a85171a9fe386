package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"porthole/internal/browser"
)

// attack is all that a page may try with a gateway, and what it got.
const attack = `(async gateway => {
	const got = {}
	const ws = gateway.replace('http', 'ws') + '/ws'
	for (const offers of [[], ['porthole.v1'], ['binary'], ['porthole.v1', 'ticket.x']]) {
		got['upgrade ' + offers] = await new Promise(done => {
			const s = new WebSocket(ws, offers)
			s.onopen = () => done('open')
			s.onclose = e => done('closed ' + e.code)
		})
	}
	// A response without an end is waited for by the browser, who would know its type.
	const read = async (path, options) => fetch(gateway + path, { ...options, signal: AbortSignal.timeout(1000) })
		.then(async r => r.type === 'opaque' ? 'opaque' : 'read ' + r.status + ' ' + (await r.text()).length, () => 'refused')
	for (const path of ['/', '/ws', '/events', '/healthz', '/login', '/favicon.ico']) {
		got['fetch ' + path] = await read(path)
		got['with cookies ' + path] = await read(path, { credentials: 'include' })
		got['no-cors ' + path] = await read(path, { mode: 'no-cors' })
	}
	got.post = await read('/login', { method: 'POST', body: new URLSearchParams({ key: 'x' }) })
	got.xhr = await new Promise(done => {
		const x = new XMLHttpRequest()
		x.onload = () => done('read ' + x.status)
		x.onerror = () => done('refused')
		x.open('GET', gateway + '/')
		x.send()
	})
	got.stream = await new Promise(done => {
		const s = new EventSource(gateway + '/events')
		s.onopen = () => done('open')
		s.onerror = () => { s.close(); done('refused') }
	})
	const load = (tag, at) => new Promise(done => {
		const e = document.createElement(tag)
		e.onload = () => done('loaded')
		e.onerror = () => done('refused')
		e[tag === 'link' ? 'href' : 'src'] = gateway + at
		e.rel = 'stylesheet'
		document.body.append(e)
	})
	got.script = await load('script', '/')
	got.image = await load('img', '/favicon.ico')
	got.style = await load('link', '/favicon.ico')
	got.frame = await new Promise(done => {
		const f = document.createElement('iframe')
		f.onload = () => { try { done(f.contentDocument ? 'blank' : 'refused') } catch { done('refused') } }
		f.src = gateway + '/'
		document.body.append(f)
	})
	return got
})`

// A page of another site gets nothing, by whatever name and way it asks: no socket,
// no byte, no frame.
func TestHostilePage(t *testing.T) {
	gw, gateway := gateway(t, "--target", serve(t, echo))
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>evil</title><link rel=icon href=data:,><body>")
	}))
	defer evil.Close()
	named := strings.Replace(evil.URL, "127.0.0.1", "evil.test", 1)
	b := browser.Start(t)
	for _, site := range []string{evil.URL, named} {
		p := b.Open(t, site, browser.Visitor{})
		p.Allow("") // the browser says of each try what it thinks of it
		var got map[string]string
		eval(t, p, attack+fmt.Sprintf("(%q)", gateway), &got)
		if len(got) != 4+3*6+7 {
			t.Errorf("%s: %d tries were made", site, len(got))
		}
		for try, what := range got {
			if !slices.Contains([]string{"refused", "opaque", "closed 1006"}, what) {
				t.Errorf("%s: %s: %s", site, try, what)
			}
		}
	}

	// A name that was rebound to this machine: the page and the gateway are of one
	// origin then, but the gateway has no such name.
	at, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Open(t, "http://evil.test:"+at.Port()+"/", browser.Visitor{})
	p.Allow("")
	p.Wait(`document.body.innerText.includes('this gateway has no such name')`)
	var got []string
	eval(t, p, `(async () => [
		...await Promise.all(['/', '/ws', '/events', '/login'].map(path => fetch(path).then(r => String(r.status)))),
		await new Promise(done => {
			const s = new WebSocket('ws://' + location.host + '/ws', 'porthole.v1')
			s.onopen = () => done('open')
			s.onclose = e => done('closed ' + e.code)
		}),
	])()`, &got)
	if want := []string{"421", "421", "421", "421", "closed 1006"}; !slices.Equal(got, want) {
		t.Errorf("rebound: %q, want %q", got, want)
	}
	log := gw.stderr.String()
	if strings.Contains(log, "session begins") || !strings.Contains(log, "reason=origin") || !strings.Contains(log, "reason=host") {
		t.Errorf("the gateway tells of it as\n%s", log)
	}
}
