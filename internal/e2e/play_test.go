package e2e_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// built skips the test if the playground is not: the commands have been built
// without it.
func built(t *testing.T) {
	t.Helper()
	_, err := os.Stat(filepath.Join("..", "..", "web", "static", "play", "dist", "worker.js"))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("BROWSER") != "required" {
		t.Skip("the playground is not built: make play does it, with npm")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// linked is the address of the playground with two programs in it.
func linked(t *testing.T, url, server, client string) string {
	t.Helper()
	texts, err := json.Marshal([]string{server, client})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(texts); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return url + "/play#p=" + base64.RawURLEncoding.EncodeToString(packed.Bytes())
}

// What the playground can be waited for to show.
const (
	playReady = `document.querySelector('#run').ariaDisabled !== 'true' && document.querySelector('#gate-dot').className === 'linked'`
	printed   = `[...document.querySelectorAll('#lines p')].map(p => (p.classList[0] + ' ' + (p.querySelector('span')?.textContent ?? p.textContent)))`
	halted    = `document.querySelector('#halt').ariaDisabled === 'true'`
	going     = `document.querySelector('#halt').ariaDisabled === 'false'`
	written   = `document.querySelector('#code').shadowRoot.querySelector('.cm-content').innerText`
)

// prints is true once a line of the console, "server text", holds the words.
func prints(line string) string { return fmt.Sprintf("%s.some(l => l.includes(%q))", printed, line) }

// playground opens it with two programs, or as it stands.
func playground(t *testing.T, b *browser.Browser, url string, programs ...string) *browser.Page {
	t.Helper()
	at := url + "/play"
	if len(programs) == 2 {
		at = linked(t, url, programs[0], programs[1])
	}
	p := b.Open(t, at, browser.Visitor{Width: 1100, Height: 844})
	p.Wait(playReady)
	return p
}

// runs runs the program of a side.
func runs(p *browser.Page, side string) {
	p.Click("#tab-" + side)
	p.Click("#run")
}

// greeterOn is a server program for a port.
func greeterOn(port string) string {
	return fmt.Sprintf(`const server = require('net').createServer((socket) => {
  socket.on('data', (data) => socket.write('你好' + data))
  socket.on('error', (error) => console.log(error.code))
})
server.listen(%s, 'localhost', () => console.log('up'))
`, port)
}

// port is one that no one listens on.
func port(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(unused(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// say sends the text to a port of this machine, ends, and returns what comes back.
func say(t *testing.T, port, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// The playground, through the real chain, in one browser.
func TestPlay(t *testing.T) {
	built(t)
	b := browser.Start(t)
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	for name, test := range map[string]func(*testing.T, *browser.Browser, string){
		"as it stands":         playAsItStands,
		"reached from outside": playFromOutside,
		"greeter as a peer":    playGreeter,
		"console":              playConsole,
		"keyboard":             playKeyboard,
		"lines":                playLines,
	} {
		t.Run(name, func(t *testing.T) { test(t, b, url) })
	}
}

// Both programs run as they stand, and the ladder shows both ends.
func playAsItStands(t *testing.T, b *browser.Browser, url string) {
	l, err := net.Listen("tcp", "127.0.0.1:4321")
	if err != nil {
		t.Skipf("the programs' port is in use on this machine: %v", err)
	}
	_ = l.Close()
	p := playground(t, b, url)
	runs(p, "server")
	p.Wait(prints("server listening on 127.0.0.1:4321"))
	runs(p, "client")
	p.Wait(prints("client 你好哇咔咔"))
	p.Wait(prints("server data <Buffer e5 93 87 e5 92 94 e5 92 94>"))
	p.Wait(prints("client close"))
	p.Wait(prints("client ended")) // it waits for nothing more
	for _, row := range []string{"server listening", "client connect", "server connection", "client write() 9 B", "server data 9 B", "server write() 15 B", "client data 15 B", "client close", "server close"} {
		p.Wait(fmt.Sprintf("%s.some(r => r.startsWith(%q))", table, row))
	}
	p.Click("#tab-server")
	p.Wait(going)
	p.Keys(kb.Escape)
	p.Wait(prints("server stopped"))
}

// Whoever dials the port reaches the page, until the program is stopped: then the
// port is free, and open connections have ended.
func playFromOutside(t *testing.T, b *browser.Browser, url string) {
	at := port(t)
	p := playground(t, b, url, greeterOn(at), strings.Replace(greeterOn(at), "server.listen", "server.on('error', (e) => console.log(e.message)).listen", 1))
	runs(p, "server")
	p.Wait(prints("server up"))
	runs(p, "client")
	p.Wait(prints("client listen EADDRINUSE: address already in use 127.0.0.1:" + at))
	p.Wait(prints("client ended"))
	p.Wait("document.querySelector('#card').innerText.includes('nc 127.0.0.1 " + at + "')")
	p.Click("#tab-server")
	if got := say(t, at, "哇咔咔"); got != "你好哇咔咔" {
		t.Errorf("from outside: %q", got)
	}
	p.Wait(table + ".some(r => r.startsWith('server data 9 B'))")
	p.Wait("document.querySelector('#rows .other') === null") // it is this page's program
	c, err := net.Dial("tcp", "127.0.0.1:"+at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "哇"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len("你好哇"))); err != nil {
		t.Fatal(err)
	}
	p.Click("#halt")
	p.Wait(prints("server stopped"))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("an open connection: %d bytes, %v; want its end", n, err)
	}
	free(t, at)
	p.Wait(table + ".some(r => r === 'server close')")
	p.Wait("document.querySelector('iframe') === null")
}

// free fails the test if someone listens on a port.
func free(t *testing.T, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Errorf("the port is not free: %v", err)
		return
	}
	_ = l.Close()
}

// A client in the page dials the native server; and what it may not dial, the
// gateway says.
func playGreeter(t *testing.T, b *browser.Browser, _ string) {
	_, greeter, _ := tcpserver(t)
	_, url := gateway(t, "--target", greeter)
	host, at, err := net.SplitHostPort(greeter)
	if err != nil {
		t.Fatal(err)
	}
	p := playground(t, b, url,
		`require('net').connect(1, '10.0.0.7').on('error', (e) => console.log(e.code, e.syscall))`,
		fmt.Sprintf(`const s = require('net').connect({ host: %q, port: %s }, () => s.write('哇咔咔'))
s.setEncoding('utf8')
s.on('data', (text) => { console.log(text); s.destroy() })`, host, at))
	runs(p, "client")
	p.Wait(prints("client 你好哇咔咔"))
	p.Wait(prints("client ended"))
	runs(p, "server")
	p.Wait(prints("server EACCES connect"))
	p.Wait(prints("here a page may dial " + greeter + ", and what a page listens on"))
	p.Wait(printed + ".filter(l => l.includes('may dial')).length === 1") // and not of the dial that came through
}

// What a program prints looks as in Node; and an error says where it is.
func playConsole(t *testing.T, b *browser.Browser, url string) {
	p := playground(t, b, url, `const { EventEmitter } = require('events')
console.log('text', 1, [1, { a: 'b' }], Buffer.from('哇'), new Map([['k', 1]]))
console.log('%s is %d', 'x', 2)
console.error(Object.assign(new Error('oh'), { code: 'ECODE' }))
process.stdout.write('half ')
process.stdout.write('a line')
console.table([{ a: 1, b: '好' }])
process.nextTick(() => console.log('tick'))
setImmediate(() => console.log('immediate'))
setTimeout(() => console.log('timer'), 1)
console.log('<img src=x onerror=alert(1)>')
console.log('\x1b[31mred\x1b[0m', '\u202eturned')
try { require('fs') } catch (error) { console.log(error.message) }
new EventEmitter().on('x', () => console.log('emitted')).emit('x')
process.on('exit', (code) => console.log('exit', code))`, `const a = 1

function f() {
  null.x
}
f()`)
	runs(p, "server")
	for _, line := range []string{
		"server text 1 [ 1, { a: 'b' } ] <Buffer e5 93 87> Map(1) { 'k' => 1 }", "server x is 2", "code: 'ECODE'", "server half a line",
		"│ 0       │ 1 │ '好' │", "server tick", "server immediate", "server timer", "server red ◦turned", "server Cannot find module 'fs': a page has net, events",
		"server emitted", "server <img src=x onerror=alert(1)>", "server exit 0", "server ended",
	} {
		p.Wait(prints(line))
	}
	runs(p, "client")
	p.Wait(prints("client client.js:4\n  null.x\n       ^\n\nTypeError: Cannot read properties of null"))
	p.Wait(prints("at f (client.js:4:8)"))
	p.Wait(prints("client ended with code 1"))
	p.Wait(`document.querySelector('#code').shadowRoot.querySelector('.cm-broken').innerText.trim() === 'null.x'`)

	p.Navigate("about:blank")
	p.Navigate(linked(t, url, "let a = 1\nlet a = 2\n", "Promise.reject(new RangeError('no'))"))
	p.Wait(playReady)
	runs(p, "server")
	p.Wait(prints("server server.js:2\nlet a = 2\n"))
	p.Wait(prints("SyntaxError: Identifier 'a' has already been declared"))
	runs(p, "client")
	p.Wait(prints("RangeError: no\n    at client.js:1:16"))

	p.Navigate("about:blank")
	p.Navigate(linked(t, url, `setInterval(() => {}, 1)
process.on('exit', (code) => console.log('bye', code))
process.exit(3)
console.log('too late')`, "import net from 'net'"))
	p.Wait(playReady)
	runs(p, "server")
	p.Wait(prints("server bye 3"))
	p.Wait(prints("server ended with code 3"))
	p.Wait("!" + prints("too late"))
	runs(p, "client")
	p.Wait(prints("SyntaxError: Cannot use import statement outside a module"))
}

// All of it can be done without a mouse, and the editor lets go of the focus.
func playKeyboard(t *testing.T, b *browser.Browser, url string) {
	at := port(t)
	p := playground(t, b, url, greeterOn(at), "")
	focused := func(selector string) {
		t.Helper()
		p.Wait(fmt.Sprintf("document.activeElement?.matches(%q)", selector))
	}
	for _, selector := range []string{".skip", ".away", ".lang [lang=en]", ".lang [lang=zh-CN]", "#restore", "#tab-server", "#link", "#halt", "#run", "#code"} {
		p.Keys(kb.Tab)
		focused(selector)
	}
	p.Keys(kb.Enter, 2) // with Ctrl
	p.Wait(prints("server up"))
	p.Keys("//")
	p.Wait(written + ".startsWith('//const')")
	p.Keys(kb.Escape)
	p.Wait(prints("server stopped"))
	free(t, at)
	p.Keys(kb.Tab)
	focused("#clear")
	p.Keys(kb.Tab)
	focused("#lines")
	p.Keys(kb.Tab)
	focused("#conn")
	eval(t, p, "document.querySelector('#tab-server').focus()", nil)
	p.Keys(kb.ArrowRight)
	focused("#tab-client[aria-selected=true]")
	p.Reload()
	p.Wait(playReady)
}

// The selected event marks the line that made it, and each line tells how often
// it did something.
func playLines(t *testing.T, b *browser.Browser, url string) {
	at := port(t)
	p := playground(t, b, url, greeterOn(at), fmt.Sprintf(`const s = require('net').connect(%s, 'localhost')
s.on('data', (data) => {
  if (data.length < 20) s.write(data)
})
s.write('哇咔咔')`, at))
	runs(p, "server")
	p.Wait(prints("server up"))
	runs(p, "client")
	p.Wait(table + ".includes('client data 21 B')")
	marked := `document.querySelector('#code').shadowRoot.querySelector('.cm-ran')?.innerText.trim()`
	pick := func(event string) {
		t.Helper()
		eval(t, p, fmt.Sprintf(`[...document.querySelectorAll('#rows > .r:not([hidden])')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
			.find(r => r.innerText.includes(%q) && r.querySelector('.ev.c')).click()`, event), nil)
	}
	pick("write() 9 B")
	p.Wait(marked + " === `s.write('哇咔咔')`")
	pick("write() 15 B")
	p.Wait(marked + " === 'if (data.length < 20) s.write(data)'")
	pick("data 21 B")
	p.Wait(marked + ".startsWith(`s.on('data', (data) => {`)")
	counts := `[...document.querySelector('#code').shadowRoot.querySelectorAll('.cm-count')].map(c => c.innerText + c.closest('.cm-line').innerText.slice(0, 10)).join()`
	p.Wait(counts + " === `2×s.on('data`")
}
