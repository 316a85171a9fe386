package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"porthole/internal/browser"
	"porthole/wire"
)

// marks notes, in ms after the navigation, when the page comes how far, and
// greets as soon as its socket is connected.
const marks = `{
	window.marks = {}
	const mark = name => window.marks[name] ??= performance.now()
	let program
	Object.defineProperty(window, 'porthole', {
		get: () => program,
		set(value) {
			mark('Ready')
			program = value
		},
	})
	window.WebSocket = class extends WebSocket {
		constructor(...args) {
			super(...args)
			this.addEventListener('open', () => {
				mark('Open')
				this.addEventListener('message', e => { // behind the page's own listener
					if (new Uint8Array(e.data)[0] !== 20) return // connected
					mark('Connected')
					let got = 0
					porthole.ondata = b => { if ((got += b.length) === 15) mark('Reply') }
					porthole.send('哇咔咔', 1)
				})
			})
		}
	}
}`

// greets is the least that gets a TCP reply: the only script of a page, which
// opens a raw WebSocket and greets.
const greets = `
	const marks = window.marks = { Ready: performance.now() }
	const ws = new WebSocket(document.documentElement.dataset.gateway)
	ws.binaryType = 'arraybuffer'
	ws.onopen = () => { marks.Open = marks.Connected = performance.now(); ws.send('哇咔咔') }
	let got = 0
	ws.onmessage = e => { if ((got += e.data.byteLength) === 15) marks.Reply = performance.now() }
`

// visit is how far a page had come when, in ms after the navigation.
type visit struct{ Ready, Open, Connected, Reply float64 }

func (v visit) String() string {
	return fmt.Sprintf("program runs %5.0f, WebSocket open %5.0f, socket connected %5.0f, first reply %5.0f ms", v.Ready, v.Open, v.Connected, v.Reply)
}

// TestSpeed measures a release. Only what does not depend on the machine is
// asserted; the rest is for the reader. `make speed` runs it.
func TestSpeed(t *testing.T) {
	if os.Getenv("SPEED") == "" {
		t.Skip("make speed measures")
	}
	gateway := release(t)
	b := browser.Start(t)
	t.Run("start", func(t *testing.T) { speedOfStart(t, b, gateway) })
	t.Run("bytes", func(t *testing.T) { speedOfBytes(t, b, gateway) })
}

// speedOfStart measures how long after the navigation the first reply over TCP
// is in the page, for a visitor who was never here and for one who was. The
// floor is a page of one script without a program.
func speedOfStart(t *testing.T, b *browser.Browser, gateway string) {
	const visits = 7
	page, floor := besides(t, gateway, greets, "--greeter", "127.0.0.1:0")

	for _, network := range []struct {
		name    string
		latency time.Duration
		rate    int // bytes a second
	}{
		{"loopback", 0, 0},
		{"9 Mbit/s and 60 ms", 60 * time.Millisecond, 9_000_000 / 8},
	} {
		// open opens an empty window with caches of its own.
		open := func() *browser.Page {
			p := b.Open(t, "about:blank", browser.Visitor{Before: marks})
			p.Throttle(network.latency, network.rate)
			return p
		}
		look := func(p *browser.Page, url string) (v visit) {
			eval(t, p, `new Promise(done => setTimeout(done, 2500))`, nil) // what it shows keeps the browser busy
			p.Navigate(url)
			p.Wait(`marks.Reply`)
			eval(t, p, `marks`, &v)
			return v
		}
		const empty = `data:text/html,<link rel="icon" href="data:,">` // in another process
		var cold, warm [2][]visit
		for range visits {
			for i, url := range []string{page, floor} {
				p := open()
				cold[i] = append(cold[i], look(p, url))
				p.Navigate(empty)
			}
		}
		pages := [2]*browser.Page{open(), open()}
		for n := range 3 + visits {
			for i, url := range []string{page, floor} {
				v := look(pages[i], url)
				if n < 3 {
					// The browser keeps compiled code once none was added for 2 s.
					eval(t, pages[i], `new Promise(done => setTimeout(done, 4000))`, nil)
				} else {
					warm[i] = append(warm[i], v)
				}
				pages[i].Navigate(empty)
			}
		}
		t.Logf("%s, median of %d visits:", network.name, visits)
		for i, name := range []string{"porthole", "floor"} {
			t.Logf("  %-8s cold: %v", name, medians(cold[i]))
			t.Logf("  %-8s warm: %v", name, medians(warm[i]))
		}
	}
}

func medians(all []visit) visit {
	of := func(field func(visit) float64) float64 {
		var list []float64
		for _, v := range all {
			list = append(list, field(v))
		}
		return median(list)
	}
	return visit{
		of(func(v visit) float64 { return v.Ready }), of(func(v visit) float64 { return v.Open }),
		of(func(v visit) float64 { return v.Connected }), of(func(v visit) float64 { return v.Reply }),
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// besides starts a gateway, and beside it a page of one script that may use it,
// with the headers that the gateway's own has. It returns where both are.
func besides(t *testing.T, gateway, script string, args ...string) (page, floor string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/script.js" {
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			_, _ = io.WriteString(w, script)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "no-cache")
		fmt.Fprintf(w, `<!doctype html><html data-gateway="%s/ws"><link rel="icon" href="data:,"><script src="script.js" type="module"></script>`, strings.Replace(page, "http", "ws", 1))
	}))
	t.Cleanup(server.Close)
	args = append([]string{"--listen", "127.0.0.1:0", "--origin", server.URL}, args...)
	return start(t, gateway, args...).line("open "), server.URL
}

// carries moves bytes through the page's program, which does not draw
// meanwhile. What has come is asked for every 8 ms: the end of what was read
// is in each frame. With handed, each read is handed over to JavaScript instead.
const carries = `{
	const latin1 = new TextDecoder('latin1')
	let number = 0
	window.receive = (n, handed) => new Promise(done => {
		const began = performance.now()
		const mark = '#' + String(++number).padStart(7, '0')
		const end = () => {
			porthole.ondata = undefined
			done(performance.now() - began)
		}
		const ask = () => { latin1.decode(porthole.frame(0, 0)).includes(mark) ? end() : setTimeout(ask, 8) }
		porthole.send('receive ' + n + ' ' + mark + '\n', 1)
		if (handed) porthole.ondata = b => { if ((n -= b.length) === 0) end() }
		else ask()
	})
	window.send = (n, piece) => new Promise(done => {
		const began = performance.now()
		porthole.ondata = () => {
			porthole.ondata = undefined
			done(performance.now() - began)
		}
		porthole.send('send ' + n * piece + ' .\n', 1)
		const bytes = new Uint8Array(piece)
		const more = () => {
			for (let times; (times = Math.min(n, 64)) > 0 && porthole.send(bytes, times);) n -= times
			if (n > 0) setTimeout(more, 10) // its queue holds 16 MB
		}
		more()
	})
}`

// carriesPlain does the same in JavaScript, with nothing but the browser's own:
// the least that speaks porthole.v1, with the page's windows and pieces.
const carriesPlain = `
	const uvarint = n => n < 128 ? [n] : [n & 127 | 128, ...uvarint(n >> 7)]
	const ws = new WebSocket(document.documentElement.dataset.gateway, 'porthole.v1')
	ws.binaryType = 'arraybuffer'
	let credit = %d, owed = 0, left = 0, message, ondata
	const write = bytes => {
		credit -= bytes.length - 2
		ws.send(bytes)
	}
	const pump = () => { for (; left > 0 && credit >= message.length - 2; left--) write(message) }
	ws.onmessage = e => {
		const m = new Uint8Array(e.data)
		switch (m[0]) {
		case 16: // hello
			ws.send(Uint8Array.of(19, 1, 0, 0, 0, 0, 0, ...uvarint(%[2]d), 0)) // dial
			break
		case 20: // connected
			window.ready = true
			break
		case 1: // data
			owed += m.length - 2
			if (owed >= %[2]d / 4) {
				ws.send(Uint8Array.of(3, 1, ...uvarint(owed))) // credit
				owed = 0
			}
			ondata(m.subarray(2))
			break
		case 4: // wrote
			for (let i = 2; i < m.length; i++) credit += (m[i] & 127) << 7 * (i - 2)
			pump()
		}
	}
	const order = text => write(Uint8Array.of(1, 1, ...new TextEncoder().encode(text)))
	window.receive = n => new Promise(done => {
		const began = performance.now()
		ondata = b => { if ((n -= b.length) === 0) done(performance.now() - began) }
		order('receive ' + n + ' #0000000\n')
	})
	window.send = (n, piece) => new Promise(done => {
		const began = performance.now()
		ondata = () => done(performance.now() - began)
		order('send ' + n * piece + ' .\n')
		message = new Uint8Array(2 + piece)
		message[0] = message[1] = 1
		left = n
		pump()
	})
`

// speedOfBytes measures how fast the page's program moves bytes, and JavaScript
// without a program does, over the same gateway to the same server, in turns.
func speedOfBytes(t *testing.T, b *browser.Browser, gateway string) {
	const slices, pieces, piece = 11, 2048, 65525 // what fits in a message
	target := serve(t, func(c *net.TCPConn) {
		r, zeros := bufio.NewReaderSize(c, 64<<10), make([]byte, 256<<10)
		for {
			var verb, mark string // mark ends what is received, or answers what was sent
			var n int64
			line, err := r.ReadString('\n')
			if err == nil {
				_, err = fmt.Sscan(line, &verb, &n, &mark)
			}
			if verb == "send" && err == nil {
				_, err = io.CopyN(io.Discard, r, n)
				n = 0
			}
			for n -= int64(len(mark)); n > 0 && err == nil; {
				var wrote int
				wrote, err = c.Write(zeros[:min(n, int64(len(zeros)))])
				n -= int64(wrote)
			}
			if err == nil {
				_, err = io.WriteString(c, mark)
			}
			if err != nil {
				return
			}
		}
	})
	page, floor := besides(t, gateway, fmt.Sprintf(carriesPlain, wire.Window, wire.MaxWindow), "--target", target, "--no-events")
	ours, plain := b.Open(t, page, browser.Visitor{Before: carries}), b.Open(t, floor, browser.Visitor{})
	ours.Wait(`document.querySelector('#end').ariaDisabled === 'false'`) // connected; without events no state tells
	plain.Wait(`window.ready`)
	eval(t, ours, `(window.requestAnimationFrame = () => 1, true)`, nil) // it does not draw any more
	for _, way := range []struct{ name, do string }{
		{"receive, into the program", fmt.Sprintf("receive(%d)", pieces*piece)},
		{"receive, handed to JavaScript", fmt.Sprintf("receive(%d, true)", pieces*piece)},
		{"send", fmt.Sprintf("send(%d, %d)", pieces, piece)},
	} {
		var speeds, shares, plains []float64
		for n := range 1 + slices {
			var a, b float64 // ms
			eval(t, ours, way.do, &a)
			eval(t, plain, way.do, &b)
			if n > 0 { // in the first the browser compiles well what is run often
				speeds, plains = append(speeds, pieces*piece/1000/a), append(plains, pieces*piece/1000/b)
				shares = append(shares, b/a)
			}
		}
		t.Logf("%-29s: program %3.0f MB/s, plain JavaScript %3.0f MB/s, ratio %.2f (medians of %d slices of %d MB)",
			way.name, median(speeds), median(plains), median(shares), slices, pieces*piece/1_000_000)
	}
}
