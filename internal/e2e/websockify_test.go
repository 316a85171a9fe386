package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"github.com/chromedp/chromedp/kb"
	"nhooyr.io/websocket"

	"porthole/internal/browser"
)

// desktop starts a VNC server with a terminal on it, and returns its address and
// the lines that are typed there.
func desktop(t *testing.T) (addr string, typed <-chan string) {
	t.Helper()
	server, xterm := installed(t, "Xtigervnc"), installed(t, "xterm")
	fifo := filepath.Join(t.TempDir(), "typed")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0) // it neither waits for a writer nor ends with one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pipe.Close() })
	lines := make(chan string, 1)
	go func() {
		scan := bufio.NewScanner(pipe)
		for scan.Scan() {
			lines <- scan.Text()
		}
	}()
	addr = unused(t)
	_, port, _ := net.SplitHostPort(addr)
	x := start(t, server, "-displayfd", "1", "-rfbport", port, "-interface", "127.0.0.1", "-SecurityTypes", "None", "-geometry", "640x480", "-depth", "24")
	t.Cleanup(func() { // killed, it would leave its display's lock behind
		_ = x.cmd.Process.Signal(syscall.SIGTERM)
		x.wait()
	})
	display := ":" + x.line("")
	start(t, xterm, "-wf", "-display", display, "-geometry", "100x35+0+0", "-e", "sh", "-c", "echo shown >"+fifo+"; exec cat >"+fifo)
	if line := got(t, "terminal", lines); line != "shown" {
		t.Fatalf("the terminal says %q", line)
	}
	return addr, lines
}

// vncPage is a client of VNC as noVNC's documentation makes one.
const vncPage = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>VNC</title>
<div id="screen" style="width: 640px; height: 480px"></div>
<script type="module">
import RFB from './novnc/core/rfb.js'
globalThis.told = []
const rfb = new RFB(document.querySelector('#screen'), new URLSearchParams(location.search).get('vnc'))
for (const name of ['connect', 'desktopname', 'securityfailure'])
	rfb.addEventListener(name, () => told.push(name))
rfb.addEventListener('disconnect', e => told.push(e.detail.clean ? 'disconnect' : 'failure'))
globalThis.picture = () => {
	const canvas = document.querySelector('#screen canvas')
	return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
}
globalThis.pixels = () => new Uint32Array(picture().data.buffer)
globalThis.hangUp = () => rfb.disconnect()
</script>`

// vncSite serves noVNC, as it comes from npm, and a page with it.
func vncSite(t *testing.T) (url string) {
	t.Helper()
	const novnc = "npm/node_modules/@novnc/novnc"
	needs(t, exists(filepath.Join(novnc, "core/rfb.js")), "noVNC: npm ci in internal/e2e/npm")
	mux := http.NewServeMux()
	mux.Handle("/novnc/", http.StripPrefix("/novnc/", http.FileServer(http.Dir(novnc))))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, vncPage) })
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

// tokenFile writes one.
func tokenFile(t *testing.T, lines ...string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// noVNC shows what a VNC server has to show, and types into it.
func TestNoVNC(t *testing.T) {
	dependOn(t, "internal/e2e/npm")
	site := vncSite(t)
	vnc, typed := desktop(t)
	b := browser.Start(t)
	for _, tt := range []struct {
		path string
		args []string
	}{
		{"/websockify", []string{"--target", vnc}},
		{"/vnc?token=my%20desk", []string{"--dialect", "websockify=/vnc", "--target", "127.0.0.1:1", "--token-file", tokenFile(t, "# whose is which", "my desk: "+vnc)}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			_, url := gateway(t, append([]string{"--dialect", "websockify", "--origin", site}, tt.args...)...)
			events := follow(t, url+"/events")
			at := "ws" + strings.TrimPrefix(url, "http") + tt.path
			p := b.Open(t, site+"/?vnc="+neturl.QueryEscape(at), browser.Visitor{})
			p.Wait(`told.includes('connect')`)
			var size []int
			eval(t, p, `[picture().width, picture().height]`, &size)
			if want := []int{640, 480}; !slices.Equal(size, want) {
				t.Errorf("the desktop is %v, want %v", size, want)
			}
			p.Wait(`new Set(pixels()).size > 1`)
			p.Click("#screen canvas")
			eval(t, p, `globalThis.before = pixels(), true`, nil)
			const line = "Hello, Porthole! ~{42}"
			p.Keys(line + kb.Enter)
			if got := got(t, "line", typed); got != line {
				t.Errorf("the terminal got %q, want %q", got, line)
			}
			p.Wait(`pixels().filter((pixel, i) => pixel !== before[i]).length > 200`) // the terminal shows it: no cursor is as large
			for _, want := range []string{"connect", "data", "write()"} {
				for e := range events {
					if e.Side == "client" && e.Remote == vnc && e.Event == want {
						break
					}
				}
			}
			eval(t, p, `hangUp()`, nil)
			p.Wait(`told.includes('disconnect')`)
		})
	}
}

// What fails noVNC's user reads in websockify's words.
func TestNoVNCFailures(t *testing.T) {
	dependOn(t, "internal/e2e/npm")
	site := vncSite(t)
	gone := unused(t)
	const version = "RFB 003.008\n"
	short := serve(t, func(c *net.TCPConn) {
		_, _ = c.Write([]byte(version))
		_, _ = io.ReadFull(c, make([]byte, len(version))) // what is not read would be a reset
	})
	_, url := gateway(t, "--dialect", "websockify", "--origin", site, "--target", "127.0.0.1:1", "--token-file", tokenFile(t, "gone: "+gone, "short: "+short))
	b := browser.Start(t)
	for token, want := range map[string]string{
		"gone":  "code: 1011, reason: Failed to connect to downstream server: ECONNREFUSED",
		"none":  "code: 1008, reason: EACCES: connect",
		"short": "code: 1000, reason: Target closed",
	} {
		t.Run(token, func(t *testing.T) {
			at := "ws" + strings.TrimPrefix(url, "http") + "/websockify?token=" + token
			p := b.Open(t, site+"/?vnc="+neturl.QueryEscape(at), browser.Visitor{})
			p.Allow("onnection closed (code: ")
			p.Wait(`told.includes('failure')`)
			if said := strings.Join(p.Console(), "\n"); !strings.Contains(said, want) {
				t.Errorf("it says %q, want %q in it", said, want)
			}
		})
	}
}

// websockifyClient greets a server by way of the WebSockets of websockify's own
// package, and tells how they end. Where that makes the mask of a client's frame, it
// adds numbers to bytes, which Python 3 refuses: those that it takes from random can
// be added.
const websockifyClient = `
import random, sys, types
import websockify.websocket
from websockify.websocket import WebSocket

class Octet(int):
	def __radd__(self, mask):
		return mask + bytes([self])

websockify.websocket.random = types.SimpleNamespace(randrange=lambda n: Octet(random.randrange(n)))

def visit(url, say, size, protocols, hangs_up):
	ws = WebSocket()
	ws.connect(url, None, protocols)
	heard = b''
	ws.send(say)
	while len(heard) < size:
		heard += ws.recv()
	if hangs_up:
		ws.shutdown(2)
	while ws.recv() is not None:
		pass
	return heard, ws.close_code, ws.close_reason

greeter, once = sys.argv[1:]
for protocols in ['binary'], ['binary', 'base64'], []:
	heard, code, _ = visit(greeter, '哇咔咔'.encode(), 15, protocols, True)
	print(heard.decode(), code)
print(*visit(once, b'?', 6, ['binary'], False))
`

// The WebSocket of Debian's websockify, which its own programs are clients by,
// takes this gateway for a websockify.
func TestWebsockifyClient(t *testing.T) {
	installed(t, "/usr/lib/python3/dist-packages/websockify/websocket.py")
	_, greeter, _ := tcpserver(t)
	_, url := gateway(t, "--dialect", "websockify", "--target", greeter)
	_, once := gateway(t, "--dialect", "websockify", "--target", serve(t, func(c *net.TCPConn) {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			_, _ = c.Write([]byte("answer"))
		}
	}))
	program := filepath.Join(t.TempDir(), "client.py")
	if err := os.WriteFile(program, []byte(websockifyClient), 0o666); err != nil {
		t.Fatal(err)
	}
	ws := func(url string) string { return "ws" + strings.TrimPrefix(url, "http") + "/websockify" }
	p := start(t, "/usr/bin/python3", program, ws(url), ws(once))
	for _, want := range []string{"你好哇咔咔 1000", "你好哇咔咔 1000", "你好哇咔咔 1000", "b'answer' 1000 Target closed"} {
		if got := p.line(""); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// A file of tokens leads where Debian's websockify is led by it.
func TestTokenFileOfWebsockify(t *testing.T) {
	program := installed(t, "/usr/bin/websockify")
	sayer := func(text string) func(c *net.TCPConn) {
		return func(c *net.TCPConn) { _, _ = c.Write([]byte(text)) }
	}
	one, two := serve(t, sayer("one")), serve(t, sayer("two"))
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close() })
	go func() {
		for {
			c, err := unix.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("unix"))
			_ = c.Close()
		}
	}()
	file := tokenFile(t, "# remark: "+one, "", "  # another", "one: "+one, "two:\t"+two, "  lead: "+two, "my vm: "+two,
		"a:b: "+one, "wide:    "+two, "trail: "+one+"   ", "crlf: "+one+"\r", "x : "+two, "u: unix_socket:"+path, "last: "+one)

	// It takes a listener that is there, so that no one waits until it listens.
	l := listen(t)
	stdin, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	theirs := exec.CommandContext(t.Context(), program, "--inetd", "--token-plugin", "TokenFile", "--token-source", file)
	theirs.Stdin = stdin
	err = theirs.Start()
	_ = stdin.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = theirs.Process.Kill()
		_ = theirs.Wait()
	})
	_, url := gateway(t, "--dialect", "websockify", "--target", "127.0.0.1:1", "--token-file", file)
	ask := func(host, token string) string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ws, _, err := websocket.Dial(ctx, "ws://"+host+"/websockify?token="+neturl.QueryEscape(token), &websocket.DialOptions{Subprotocols: []string{"binary"}})
		if err != nil {
			return "" // websockify hangs up
		}
		defer ws.CloseNow()
		_, said, err := ws.Read(ctx)
		if err != nil {
			return ""
		}
		_, _, err = ws.Read(ctx)
		if said, ok := errors.AsType[websocket.CloseError](err); !ok || said.Code != websocket.StatusNormalClosure || said.Reason != "Target closed" {
			t.Errorf("%s by token %q ends with %v, want 1000 Target closed", host, token, err)
		}
		return string(said)
	}
	for token, want := range map[string]string{
		"one": "one", "two": "two", "lead": "two", "  lead": "", "my vm": "two", "my": "", "a:b": "one", "a": "", "wide": "two",
		"trail": "one", "crlf": "one", "x ": "two", "x": "", "u": "unix", "last": "one", "# remark": "", "none": "", "": "",
	} {
		theirs, ours := ask(l.Addr().String(), token), ask(strings.TrimPrefix(url, "http://"), token)
		if theirs != want || ours != want {
			t.Errorf("by token %q: websockify leads to %q, and this gateway to %q, want %q", token, theirs, ours, want)
		}
	}
}
