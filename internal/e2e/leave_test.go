package e2e_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// lever leads who comes to one address to one of several gateways: what stands
// before a fleet. While it leads nowhere it hangs up.
type lever struct {
	mu    sync.Mutex
	to    string
	conns []net.Conn
}

// set leads to a gateway, and ends what there is to another.
func (l *lever) set(url string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
	l.to = strings.Trim(strings.TrimPrefix(url, "http://"), "/")
}

// pass carries a connection. Who ends it at one side ends it at the other: a
// gateway that is killed has its visitors' connections reset.
func (l *lever) pass(c *net.TCPConn) {
	l.mu.Lock()
	g, err := net.Dial("tcp", l.to)
	if err == nil {
		l.conns = append(l.conns, g)
	}
	l.mu.Unlock()
	if err != nil {
		return
	}
	defer g.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(g, c)
		_ = g.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, g)
	_ = c.Close()
	<-done
}

// One gateway of several goes: the page says how, and which of its sockets went with
// it, finds another through the same address, and greets again.
func TestPageChangesGateways(t *testing.T) {
	b := browser.Start(t)
	for name, tc := range map[string]struct {
		language                   string
		end                        func(*testing.T, *process)
		banner, row, state, closed string
	}{
		"one leaves": {"en-US", func(t *testing.T, gw *process) {
			gw.term()
			if got := gw.wait(); got != 0 {
				t.Errorf("exit status %d", got)
			}
		}, "The gateway left (1001)", "The gateway left (1001), and with it #1 #2", "gone with the gateway", "closed"},
		"one is killed": {"zh-CN", func(_ *testing.T, gw *process) { gw.kill() },
			"与网关的连接已断开（1006）", "与网关的连接已断开（1006），随之断开：#1 #2", "已随网关断开", "已随网关断开"},
	} {
		t.Run(name, func(t *testing.T) {
			_, target, _ := tcpserver(t)
			one, first := gateway(t, "--target", target)
			_, second := gateway(t, "--target", target)
			var l lever
			l.set(first)
			at := serve(t, l.pass)
			p := b.Open(t, "http://"+at+"/", browser.Visitor{Language: tc.language})
			p.Wait(connected)
			adrift(p)
			p.Click("#another")
			p.Wait(`document.querySelectorAll('#conn option').length === 3`)
			p.Wait(connected)
			eval(t, p, `document.querySelector('#text').focus()`, nil)
			p.Keys(kb.Enter)
			p.Wait(greeted)
			tc.end(t, one)
			p.Wait(`document.querySelector('#gone').textContent === '` + tc.banner + `' && ` + lost)
			p.Wait(`document.querySelector('#client-state').textContent === '` + tc.state + `'`)
			p.Wait(`[...document.querySelectorAll('#rows .why .name')].some(e => e.textContent === '` + tc.row + `')`)
			l.set(second)
			p.Wait(`!(` + lost + `)`)
			p.Wait(connected)
			p.Wait(`[...document.querySelectorAll('#conn option')].filter(o => o.textContent.endsWith(' ` + tc.closed + `')).length === 2`)
			eval(t, p, `porthole.send('又来了', 1)`, nil)
			p.Wait(`document.body.innerText.includes('你好又来了')`)
		})
	}
}

// The greeter in the tab loses its gateway, says so, and is back at its port.
func TestServerInTheTabIsBack(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	var l lever
	l.set(url)
	p := browser.Start(t).Open(t, "http://"+serve(t, l.pass)+"/", browser.Visitor{})
	p.Wait(connected)
	adrift(p)
	p.Click("#intab")
	const there = `document.querySelector('#tabsays').textContent.includes('nc 127.0.0.1 ')`
	p.Wait(there + ` && ` + connected)
	var says string
	eval(t, p, `document.querySelector('#tabsays').textContent`, &says)
	_, rest, _ := strings.Cut(says, "nc ")
	host, rest, _ := strings.Cut(rest, " ")
	port, _, _ := strings.Cut(rest, " ")
	l.set("127.0.0.1:1") // no one is there
	p.Wait(`document.querySelector('#tabsays').textContent === 'Its gateway went. It listens again as soon as it can.'`)
	l.set(url)
	p.Wait(there)
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "哇咔咔"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "你好哇咔咔" || err != nil {
		t.Errorf("from outside: %q, %v", got, err)
	}
}

// A server of porthole-net outlives its gateway: the next one listens for it at the
// same port. Its connections end, and say how the gateway went.
func TestNetServerOutlivesItsGateway(t *testing.T) {
	at := netServer(t, bundle(t))
	b := browser.Start(t)
	for name, tc := range map[string]struct {
		end  func(*process)
		want string
	}{
		"it leaves":    {func(gw *process) { gw.term(); gw.wait() }, " left (1001): the gateway is leaving"},
		"it is killed": {(*process).kill, " was lost (1006)"},
	} {
		t.Run(name, func(t *testing.T) {
			one, first := gateway(t, "--origin", "http://"+at, "--target", "127.0.0.1:1")
			_, second := gateway(t, "--origin", "http://"+at, "--target", "127.0.0.1:1")
			var l lever
			l.set(first)
			p := b.Open(t, "http://"+at+"/test/page/", browser.Visitor{})
			adrift(p)
			var addr string
			eval(t, p, `import('/net.mjs').then(({ default: net }) => new Promise(done => {
				net.configure({ url: 'ws://`+serve(t, l.pass)+`/ws' })
				window.seen = []
				window.server = net.createServer(socket => {
					socket.on('data', data => socket.end('你好' + data))
					socket.on('error', ({ code, cause }) => seen.push(code + ' ' + cause.message))
				})
				for (const event of ['listening', 'error', 'close']) server.on(event, () => seen.push(event))
				server.listen(0, '127.0.0.1', () => done('127.0.0.1:' + server.address().port))
			}))`, &addr)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			p.Wait(`server._connections === 1`)
			tc.end(one)
			p.Wait(`seen.length === 2`)
			l.set(second)
			var got string
			eval(t, p, `import('/net.mjs').then(({ default: net }) => new Promise(done => {
				const knock = () => {
					const socket = net.connect(server.address().port, '127.0.0.1', () => socket.end('哇咔咔'))
					socket.on('data', data => done(String(data)))
					socket.on('error', knock)
				}
				knock()
			}))`, &got)
			if got != "你好哇咔咔" {
				t.Errorf("it answers %q", got)
			}
			var seen []string
			eval(t, p, `seen`, &seen)
			if len(seen) != 2 || seen[0] != "listening" || !strings.HasPrefix(seen[1], "ECONNRESET porthole: the ") || !strings.HasSuffix(seen[1], tc.want) {
				t.Errorf("its program was told %q", seen)
			}
		})
	}
}
