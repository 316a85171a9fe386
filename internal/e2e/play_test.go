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
	dependOn(t, "web/play", "web/net")
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
	written   = `document.querySelector('#code').shadowRoot.querySelector('.cm-content').innerText`
)

// says is true once a line of the console, "server text", holds the words.
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
		"as it stands": playAsItStands,
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
	p.Wait(prints("client close"))
	p.Wait(prints("server data <Buffer e5 93 87 e5 92 94 e5 92 94>"))
	for _, row := range []string{"server listening", "client connect", "server connection", "client write() 9 B", "server data 9 B", "server write() 15 B", "client data 15 B", "client close", "server close"} {
		p.Wait(fmt.Sprintf("%s.some(r => r.startsWith(%q))", table, row))
	}
	p.Wait(prints("client ended")) // it waits for nothing more
	p.Click("#tab-server")
	p.Keys(kb.Escape)
	p.Wait(prints("server stopped"))
	if dir := os.Getenv("SHOTS"); dir != "" {
		p.Screenshot(filepath.Join(dir, "dev.png"))
	}
	_ = strings.TrimSpace
}
