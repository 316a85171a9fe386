package bridge_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// raw is a WebSocket in raw mode.
type raw struct {
	*websocket.Conn
	t testing.TB
}

func openRaw(t testing.TB, host, query string, subprotocols ...string) raw {
	t.Helper()
	ws := dialWS(t, "ws://"+host+"/?"+query, subprotocols...)
	ws.SetReadLimit(wire.MaxMessage)
	return raw{ws, t}
}

func (r raw) send(kind websocket.MessageType, msg string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Write(ctx, kind, []byte(msg)); err != nil {
		r.t.Fatal(err)
	}
}

// receive reads messages until n bytes have come.
func (r raw) receive(n int) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var b []byte
	for len(b) < n {
		kind, msg, err := r.Read(ctx)
		if err != nil || kind != websocket.MessageBinary || len(msg) == 0 {
			r.t.Fatalf("behind %d bytes comes %v of %d, %v, want binary", len(b), kind, len(msg), err)
		}
		b = append(b, msg...)
	}
	return string(b)
}

// status reads to the end and gives the close code and reason.
func (r raw) status() (int, string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, _, err := r.Read(ctx); err != nil {
			e, _ := errors.AsType[websocket.CloseError](err)
			return int(e.Code), e.Reason
		}
	}
}

func TestRawGreeting(t *testing.T) {
	for _, protocols := range [][]string{nil, {"binary"}} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			t.Run(fmt.Sprint(protocols, kind), func(t *testing.T) {
				r := openRaw(t, serve(t, to(peer(t, greet))), "", protocols...)
				r.send(kind, "哇咔咔")
				want := "你好哇咔咔"
				if got := r.receive(len(want)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if got, want := r.Subprotocol(), strings.Join(protocols, ""); got != want {
					t.Errorf("subprotocol %q, want %q", got, want)
				}
			})
		}
	}
}

func TestRawTarget(t *testing.T) {
	first, second, gone := peer(t, sayer("first")), peer(t, sayer("second")), absent(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := to(first, second, gone, bridge.Target{Host: path}, bridge.Target{Host: "rebound.test", Port: first.Port}, bridge.Target{Host: "unknown.test", Port: 1})
	b.Resolver = names(map[string]string{"rebound.test": "127.0.0.3"}).resolver(t)
	host := serve(t, b)
	for _, tt := range []struct {
		target string
		code   int
		want   string // what is said, or the reason
	}{
		{"", 1000, "first"},
		{first.String(), 1000, "first"},
		{second.String(), 1000, "second"},
		{fmt.Sprintf("127.0.0.1.:%d", second.Port), 1000, "second"},
		{fmt.Sprintf("127.0.0.2:%d", first.Port), 1008, "EACCES: connect"},
		{fmt.Sprintf("localhost:%d", first.Port), 1008, "EACCES: connect"},
		{"127.0.0.1", 1008, "EACCES: connect"},
		{"127.0.0.1:0", 1008, "EACCES: connect"},
		{"/etc/passwd", 1008, "EACCES: connect"},
		{strings.Repeat("x", 5000), 1008, "EACCES: connect"},
		{fmt.Sprintf("rebound.test:%d", first.Port), 1008, "EACCES: connect"},
		{gone.String(), 1011, "ECONNREFUSED: connect"},
		{"unknown.test:1", 1011, "ENOTFOUND: getaddrinfo"},
		{path, 1000, "unix"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			r := openRaw(t, host, "target="+url.QueryEscape(tt.target))
			if tt.want == "unix" {
				c, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				write(t, c, "unix")
				_ = c.Close() // it was read from, or the test fails below
			}
			if tt.code == 1000 {
				if got := r.receive(len(tt.want)); got != tt.want {
					t.Errorf("%q answers, want %q", got, tt.want)
				}
			}
			code, reason := r.status()
			if code != tt.code || code != 1000 && reason != tt.want {
				t.Errorf("close code %d %q, want %d %q", code, reason, tt.code, tt.want)
			}
		})
	}
	if got, want := b.Stats().Refused, map[string]uint64{"target": 6, "address": 1}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("refused %v, want %v", got, want)
	}
}

// sayer says one thing and ends.
func sayer(text string) func(c *net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = io.WriteString(c, text) }
}

func TestRawMegabyte(t *testing.T) {
	data := string(noise(1 << 20))
	for _, pieces := range []int{1, 16, 1024} {
		t.Run(fmt.Sprint(pieces), func(t *testing.T) {
			r := openRaw(t, serve(t, to(peer(t, echo))), "")
			sent := make(chan error)
			go func() {
				size := len(data) / pieces
				for i := range pieces {
					if err := r.Write(context.Background(), websocket.MessageBinary, []byte(data[i*size:(i+1)*size])); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			if got := r.receive(len(data)); sha256.Sum256([]byte(got)) != sha256.Sum256([]byte(data)) {
				t.Error("what came back is not what was sent")
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRawEnds(t *testing.T) {
	gone := relayEnd{"the page's machine is gone", func(_ *testing.T, r raw, _ *net.TCPConn) {
		_ = r.CloseNow() // no one reads
	}, 0, "", nil}
	for _, observed := range []bool{false, true} {
		t.Run(fmt.Sprintf("observed %v", observed), func(t *testing.T) {
			relayEnds(t, "the server has ended", func(t *testing.T, target bridge.Target) raw {
				b := to(target)
				if observed {
					b.Log = &tap.Log{}
				}
				return openRaw(t, serve(t, b), "")
			}, gone)
		})
	}
}

// The socket of a raw page is observed too: in the log, for the page sees bytes
// alone. A page that closes in order ends its socket in order.
func TestRawIsObserved(t *testing.T) {
	target, accept := accepting(t)
	b := to(target)
	b.Log = &tap.Log{}
	r := openRaw(t, serve(t, b), "")
	c := accept()
	r.send(websocket.MessageText, "ping")
	read(t, c, 4)
	write(t, c, "pong")
	r.receive(4)
	if err := r.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if err := ending(c); err != nil {
		t.Errorf("the peer ends with %v, want FIN", err)
	}
	shutdown(t, b)
	want := []string{"connect", "write() [0,4) ping", "data [0,4) pong", "end()", "destroy()", "close"}
	if got := tell(history(b.Log), wire.Client); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A page that closes under a firehose breaks it off: its server learns that not
// all was read.
func TestRawCloseUnderLoad(t *testing.T) {
	target, accept := accepting(t)
	r := openRaw(t, serve(t, to(target)), "")
	c := accept()
	broken := make(chan error)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 64<<10)); err != nil {
				broken <- err
				return
			}
		}
	}()
	r.receive(1 << 20)
	_ = r.CloseNow() // nothing is read any more
	if err := <-broken; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the peer's write ends with %v, want a broken connection", err)
	}
}

// A message in fragments, with a ping between them, is what they are together.
func TestRawFragments(t *testing.T) {
	target, accept := accepting(t)
	f := frames(t, serve(t, to(target)), "")
	c := accept()
	f.send(
		frame(false, opText, "哇咔\xe5"), // a character is cut
		frame(false, opContinuation, ""),
		frame(true, opPing, "ping"),
		frame(true, opContinuation, "\x92\x94"),
		frame(true, opBinary, ""), // nothing at all
		frame(true, opBinary, "!"),
	)
	want := "哇咔咔!"
	if got := read(t, c, len(want)); got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
	opcode, payload, err := f.next()
	if err != nil || opcode != opPong || string(payload) != "ping" {
		t.Errorf("got opcode %x with %q, %v, want the pong", opcode, payload, err)
	}
	write(t, c, "answer")
	opcode, payload, err = f.next()
	if err != nil || opcode != opBinary || string(payload) != "answer" {
		t.Errorf("got opcode %x with %q, %v, want the answer", opcode, payload, err)
	}
}

// A server that is killed while the page pours has not ended, though the kernel,
// which tells of a reset once, may have told who writes and not who reads.
func TestRawResetIsNoEnd(t *testing.T) {
	target, accept := accepting(t)
	host := serve(t, to(target))
	message := frame(true, opBinary, string(make([]byte, 1<<20)))
	for range 50 {
		f := frames(t, host, "")
		c := accept()
		poured := background(func() { _, _ = io.WriteString(f, message+message) })
		read(t, c, 1<<19)
		reset(t, c)
		var h heard
		h.close(f)
		<-poured
		if got, want := h.code(), 1011; got != want {
			t.Errorf("close code %d %q, want %d", got, h.bye[2:], want)
		}
		_ = f.Close()
	}
}
