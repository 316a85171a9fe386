package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
	"porthole/web/client"
)

// The page, through the real chain, in one browser.
func TestPage(t *testing.T) {
	b := browser.Start(t)
	for name, test := range map[string]func(*testing.T, *browser.Browser){
		"greets":            pageGreets,
		"bulk":              pageBulk,
		"thousand messages": pageThousandMessages,
		"half close":        pageHalfClose,
		"destroy and reset": pageDestroyAndReset,
		"server killed":     pageServerKilled,
		"server absent":     pageServerAbsent,
		"gateway restarts":  pageGatewayRestarts,
		"gateway killed":    pageGatewayKilled,
		"reload":            pageReload,
		"and node server":   pageAndNodeServer,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

// open opens the page and waits until its socket is connected.
func open(t *testing.T, b *browser.Browser, url string) *browser.Page {
	t.Helper()
	p := b.Open(t, url, browser.Visitor{})
	p.Wait(connected)
	return p
}

// What the page can be waited for to show.
const (
	connected = `document.querySelector('#client-state').textContent === 'ESTABLISHED'`
	greeted   = `document.querySelector('#rows').innerText.includes('你好哇咔咔')`
	lost      = `!document.querySelector('#banner').hidden`
	// rows are the ladder's, from the top, each as "side name".
	rows = `[...document.querySelectorAll('#rows > .r:not([hidden])')]
		.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(r => r.querySelector('.ev'))
		.map(e => (e.classList.contains('c') ? 'client ' : 'server ') + e.querySelector('.name').textContent)`
)

// eval evaluates a promise in the page and fails the test if that fails.
func eval(t *testing.T, p *browser.Page, js string, out any) {
	t.Helper()
	if err := p.Eval(js, out); err != nil {
		t.Fatal(err)
	}
}

// The main job, as a visitor does it, with the keyboard alone: Enter sends
// 哇咔咔, and every event of both sockets stands in order.
func pageGreets(t *testing.T, b *browser.Browser) {
	_, target, events := tcpserver(t)
	_, url := gateway(t, "--target", target, "--watch", events)
	p := open(t, b, url)
	p.Keys(kb.Enter)
	p.Wait(greeted)
	p.Wait(rows + `.length === 7`)
	var got []string
	eval(t, p, rows, &got)
	slices.Sort(got[1:3]) // which end of a connection is told first is a race
	want := []string{"server listening", "client connect", "server connection", "client write()", "server data", "server write()", "client data"}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n got %q\nwant %q", got, want)
	}
}

// 1 MB there and back, the same at all three places.
func pageBulk(t *testing.T, b *browser.Browser) {
	sums := make(chan string, 1)
	target := serve(t, func(c *net.TCPConn) {
		sum := sha256.New()
		_, _ = io.Copy(c, io.TeeReader(io.LimitReader(c, 1<<20), sum))
		sums <- hex.EncodeToString(sum.Sum(nil))
	})
	_, url := gateway(t, "--target", target)
	p := open(t, b, url)
	var sum struct{ Sent, Got string }
	eval(t, p, `(async () => {
		const hash = async b => [...new Uint8Array(await crypto.subtle.digest('SHA-256', b))].map(x => x.toString(16).padStart(2, '0')).join('')
		const sent = new Uint8Array(1 << 20), got = new Uint8Array(1 << 20)
		for (let i = 0, x = 1; i < sent.length; i++) sent[i] = x = (x * 1103515245 + 12345) >>> 16
		let n = 0
		const all = new Promise(done => { porthole.ondata = b => { got.set(b, n); if ((n += b.length) === got.length) done() } })
		if (!porthole.send(sent, 1)) throw new Error('not taken')
		await all
		return { Sent: await hash(sent), Got: await hash(got) }
	})()`, &sum)
	if at := <-sums; sum.Sent != at || sum.Got != at {
		t.Errorf("sha256: sent %s, at the server %s, got back %s", sum.Sent, at, sum.Got)
	}
}

// 1,000 messages come whole and in order, there and back.
func pageThousandMessages(t *testing.T, b *browser.Browser) {
	_, url := gateway(t, "--target", serve(t, echo))
	p := open(t, b, url)
	var same bool
	eval(t, p, `(async () => {
		const text = new TextDecoder()
		let got = '', want = ''
		for (let i = 0; i < 1000; i++) want += '消息 ' + i + '\n'
		const all = new Promise(done => { porthole.ondata = b => { got += text.decode(b, { stream: true }); if (got.length >= want.length) done() } })
		for (const line of want.split(/(?<=\n)/)) porthole.send(line, 1)
		await all
		return got === want
	})()`, &same)
	if !same {
		t.Error("the messages did not come back as they were sent")
	}
}

// The page ends its side; the reply to all that it said still arrives.
func pageHalfClose(t *testing.T, b *browser.Browser) {
	target := serve(t, func(c *net.TCPConn) {
		said, _ := io.ReadAll(c)
		_, _ = io.WriteString(c, "还在说 "+string(said))
	})
	_, url := gateway(t, "--target", target)
	p := open(t, b, url)
	eval(t, p, `porthole.send('哇咔咔', 1), porthole.end()`, nil)
	p.Wait(`document.body.innerText.includes('还在说 哇咔咔')`)
	p.Wait(rows + `.at(-1) === 'client close'`)
	var got []string
	eval(t, p, rows, &got)
	want := []string{"client connect", "client write()", "client end()", "client data", "client end", "client close"}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n got %q\nwant %q", got, want)
	}
}

// destroy() is an end for the peer, reset() an error.
func pageDestroyAndReset(t *testing.T, b *browser.Browser) {
	for _, tc := range []struct {
		call string
		want error
	}{{"destroy", io.EOF}, {"reset", syscall.ECONNRESET}} {
		t.Run(tc.call, func(t *testing.T) {
			ends := make(chan error, 1)
			_, url := gateway(t, "--target", serve(t, func(c *net.TCPConn) {
				_, err := c.Read(make([]byte, 1))
				ends <- err
			}))
			p := open(t, b, url)
			p.Click("#" + tc.call)
			if err := got(t, "end", ends); !errors.Is(err, tc.want) {
				t.Errorf("the server reads %v, want %v", err, tc.want)
			}
			p.Wait(rows + `.at(-1) === 'client close'`)
			p.Wait(rows + `.includes('client ` + tc.call + `()')`)
		})
	}
}

// The server dies in the middle of a stream, and is missed when dialled again.
func pageServerKilled(t *testing.T, b *browser.Browser) {
	server := node(t, `
		const flood = Buffer.alloc(65536, '哇咔咔')
		const server = require('net').createServer(socket => {
			const more = () => { while (socket.write(flood)); }
			socket.on('drain', more)
			more()
		})
		server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port))
	`)
	_, url := gateway(t, "--target", "127.0.0.1:"+server.line("port "))
	p := b.Open(t, url, browser.Visitor{})
	eval(t, p, `new Promise(done => { let n = 0; const all = setInterval(() => {
		if (!window.porthole) return
		clearInterval(all)
		porthole.ondata = b => { if ((n += b.length) > 4 << 20) done() }
	}) })`, nil)
	server.kill()
	p.Wait(rows + `.at(-1) === 'client close'`)
	p.Keys(kb.Enter) // the button says Connect now
	p.Wait(`document.body.innerText.includes('ECONNREFUSED')`)
}

// No server: the kernel's own word for it.
func pageServerAbsent(t *testing.T, b *browser.Browser) {
	_, url := gateway(t, "--target", unused(t))
	p := b.Open(t, url, browser.Visitor{})
	p.Wait(rows + `.join() === 'client error,client close'`)
	p.Wait(`document.body.innerText.includes('ECONNREFUSED')`)
}

// The gateway stops: the page is told with a clean 1001, says so, keeps its
// picture, and is back when the gateway is.
func pageGatewayRestarts(t *testing.T, b *browser.Browser) {
	pageComesBack(t, b, "1001 true", func(_ *browser.Page, gw *process) {
		gw.term()
		if got := gw.wait(); got != 0 {
			t.Errorf("exit status %d, want 0", got)
		}
	})
}

// The gateway is killed, and can tell no one. The page tries again and again, ever
// more seldom, and at other times than other pages.
func pageGatewayKilled(t *testing.T, b *browser.Browser) {
	pageComesBack(t, b, "1006 false", func(p *browser.Page, gw *process) {
		gw.kill()
		var backoff client.Backoff
		for range 3 {
			p.Wait(fmt.Sprintf("waits.includes(%d)", backoff.Next(luck)))
		}
	})
}

// luck is what a page that comes back takes for random.
const luck = 0.5

// pageComesBack lets a page lose its gateway, which another follows.
func pageComesBack(t *testing.T, b *browser.Browser, want string, end func(*browser.Page, *process)) {
	_, target, events := tcpserver(t)
	gw, url := gateway(t, "--target", target, "--watch", events)
	p := b.Open(t, url, browser.Visitor{Before: fmt.Sprintf(`{
		const later = setTimeout
		window.waits = []
		window.setTimeout = (f, ms, ...more) => {
			waits.push(ms)
			return later(f, ms, ...more)
		}
		Math.random = () => %v
	}`, luck)})
	p.Wait(connected)
	adrift(p)
	p.Keys(kb.Enter)
	p.Wait(greeted)
	eval(t, p, `new Promise(done => {
		const ws = new WebSocket(location.href.replace('http', 'ws') + 'ws')
		ws.onopen = done
		ws.onclose = e => { window.ended = e.code + ' ' + e.wasClean }
	})`, nil)
	end(p, gw)
	p.Wait(lost)
	p.Wait(`window.ended`)
	var ended string
	eval(t, p, `window.ended`, &ended)
	if ended != want {
		t.Errorf("close %s, want %s", ended, want)
	}
	p.Wait(greeted)
	gateway(t, "--listen", strings.TrimPrefix(url, "http://"), "--target", target, "--watch", events)
	p.Wait(`!(` + lost + `)`)
	p.Wait(connected)
	eval(t, p, `porthole.send('又来了', 1)`, nil)
	p.Wait(`document.body.innerText.includes('你好又来了')`)
}

// Reloading starts over, and leaves no socket of the old page behind.
func pageReload(t *testing.T, b *browser.Browser) {
	ends := make(chan error, 2)
	_, url := gateway(t, "--target", serve(t, func(c *net.TCPConn) {
		_, err := io.Copy(c, c)
		ends <- err
	}))
	p := open(t, b, url)
	p.Reload()
	if err := got(t, "end of the old socket", ends); err != nil {
		t.Errorf("the server reads %v, want EOF", err)
	}
	p.Wait(connected)
	p.Keys(kb.Enter)
	p.Wait(`document.body.innerText.includes('哇咔咔')`)
}

// A server that no one here wrote: Node's net.
func pageAndNodeServer(t *testing.T, b *browser.Browser) {
	server := node(t, `
		const net = require('net')
		const server = net.createServer(socket => {
			socket.on('data', data => socket.write('你好' + data))
			socket.on('error', err => console.error(err))
		})
		server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port))
	`)
	_, url := gateway(t, "--target", "127.0.0.1:"+server.line("port "))
	p := open(t, b, url)
	p.Keys(kb.Enter)
	p.Wait(greeted)
}
