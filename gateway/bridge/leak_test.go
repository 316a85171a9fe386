package bridge_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// obedient does what the first byte says.
func obedient(c *net.TCPConn) {
	var order [1]byte
	if _, err := c.Read(order[:]); err != nil {
		return
	}
	switch order[0] {
	case 'e': // end
	case 'r':
		_ = c.SetLinger(0) // the close that follows resets
	case 'f':
		firehose(c)
	default:
		echo(c)
	}
}

// Every ending of a stream and of a session, many times over: nothing is left.
func TestNothingIsLeft(t *testing.T) {
	for _, cycles := range []int{20, 200} { // with the first comes what stays for good
		t.Run(fmt.Sprint(cycles), func(t *testing.T) {
			leavesNothing(t)
			server, nobody := peer(t, obedient), absent(t)
			b := to(server, nobody)
			b.Log = &tap.Log{}
			host := serve(t, b)
			for i := range cycles {
				cycle(t, host, i, server, nobody)
			}
		})
	}
}

// cycle is one session of each kind, with streams that end in each way.
func cycle(t *testing.T, host string, i int, server, nobody bridge.Target) {
	p := open(t, host)
	open := func(order string) *stream {
		s := p.connect(server)
		s.send([]byte(order))
		return s
	}
	for _, end := range []func(){
		func() { open("e").closeFor(wire.ReasonEnded, (*stream).fin) },
		func() { open("keep").closeFor(wire.ReasonEnded, (*stream).fin) },
		func() { open("r").closeFor(wire.ReasonError, func(*stream) {}) },
		func() { open("k").closeFor(wire.ReasonClosed, func(s *stream) { s.do(s.Stream.Close) }) },
		func() { open("f").closeFor(wire.ReasonReset, func(s *stream) { s.do(s.Stream.Reset) }) },
		func() { open("f").closeFor(wire.ReasonClosed, func(s *stream) { s.do(s.Stream.Close) }) },
		func() { p.dial(wire.Dial{Host: nobody.Host, Port: uint64(nobody.Port)}).closed() },
		func() { p.dial(wire.Dial{Host: "unlisted.test", Port: 1}).closed() },
		func() { p.resolve("unlisted.test", 0) },
		func() { p.dial(wire.Dial{}).do(func() { p.streams[len(p.streams)-1].Stream.Close() }) },
	} {
		end()
	}
	left := []*stream{open("k"), open("f"), p.dial(wire.Dial{})} // they end with the session
	switch i % 4 {
	case 0:
		p.leave()
	case 1:
		_ = p.ws.CloseNow() // its reader may still be busy
	case 2:
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.ws.Write(ctx, websocket.MessageText, []byte("no text here")); err != nil {
			t.Fatal(err)
		}
	case 3:
		p.freeze() // it is cut at the end of the test
		return
	}
	for _, s := range left {
		s.closed()
	}

	r := openRaw(t, host, "")
	r.send(websocket.MessageBinary, []string{"e", "r", "f", "k"}[i%4])
	if i%4 < 2 {
		r.status()
	} else if i%8 < 4 {
		_ = r.Close(websocket.StatusNormalClosure, "")
	}
	openRaw(t, host, "target="+nobody.String()).status()
	openRaw(t, host, "target=unlisted.test:1").status()
}

func (s *stream) fin() { s.do(s.Stream.End) }

// closeFor ends a stream and wants a reason.
func (s *stream) closeFor(want wire.Reason, end func(*stream)) {
	s.p.t.Helper()
	end(s)
	if got := s.closed(); got != want {
		s.p.t.Errorf("closed %v, want %v", got, want)
	}
}

// leavesNothing wants that no socket and no goroutine is left of a test that calls it
// first: it looks behind all cleanups.
func leavesNothing(t *testing.T) {
	t.Helper()
	before := sockets(t)
	t.Cleanup(func() {
		goleak.VerifyNone(t, strays...)
		if after := sockets(t); after != before {
			t.Errorf("%d sockets, want %d as before", after, before)
		}
	})
}

// sockets is how many the process has open, where that can be told. (It keeps
// the pipes of a splice for later.)
func sockets(t *testing.T) (n int) {
	t.Helper()
	const dir = "/proc/self/fd" // proc(5), Linux
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}
