package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire"
)

// kinds are the subprotocols of the two kinds of session; raw mode has none.
var kinds = []string{"", wire.Subprotocol}

// transfer is a session with one socket, in full transfer both ways: what comes
// from a server that gives back what it gets goes to it again.
type transfer struct {
	ws     *websocket.Conn
	v1     bool
	credit int           // of a porthole.v1 session
	moved  atomic.Int64  // bytes from the server
	ended  chan struct{} // closed once the WebSocket has ended,
	err    error         // in this way

	closed chan struct{} // closed once the socket of a porthole.v1 session has ended,
	told   []string      // of which this was told
}

// piece is how much is under way.
const piece = 32 << 10

// dialWS opens a session with a socket to a target, from which nothing is read.
func dialWS(t testing.TB, url, subprotocol, target string) *transfer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	x := &transfer{v1: subprotocol != "", credit: wire.Window, ended: make(chan struct{}), closed: make(chan struct{})}
	o := &websocket.DialOptions{}
	if x.v1 {
		o.Subprotocols = []string{subprotocol}
	}
	var err error
	if x.ws, _, err = websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/ws?target="+target, o); err != nil {
		t.Fatal(err)
	}
	x.ws.SetReadLimit(wire.MaxMessage)
	t.Cleanup(func() { _ = x.ws.CloseNow() })
	if x.v1 {
		to, err := netip.ParseAddrPort(target)
		if err != nil {
			t.Fatal(err)
		}
		x.say(wire.OpDial, &wire.Dial{Host: to.Addr().String(), Port: uint64(to.Port()), Window: wire.MaxWindow})
	}
	x.send(piece)
	return x
}

// begin opens a session and transfers until it ends. Much has moved when begin
// returns.
func begin(t testing.TB, url, subprotocol, target string) *transfer {
	t.Helper()
	x := dialWS(t, url, subprotocol, target)
	var running sync.WaitGroup
	running.Go(x.run)
	t.Cleanup(func() {
		_ = x.ws.CloseNow()
		running.Wait()
	})
	soonTrue(t, "much has moved", func() bool { return x.moved.Load() > 8*piece })
	return x
}

func (x *transfer) run() {
	defer close(x.ended)
	for {
		_, msg, err := x.ws.Read(context.Background())
		switch {
		case err != nil:
			x.err = err
			return
		case x.v1:
			x.hear(msg)
		default:
			x.got(len(msg))
		}
	}
}

// hear does what a message of porthole.v1 asks for.
func (x *transfer) hear(msg []byte) {
	op, _, rest, _ := wire.ParseHead(msg)
	var n wire.Count
	var f wire.Failure
	switch op {
	case wire.OpData:
		n = wire.Count(len(rest))
		x.say(wire.OpCredit, &n)
		x.got(len(rest))
	case wire.OpWrote:
		_ = wire.Parse(rest, &n)
		x.credit += int(n)
	case wire.OpFin:
		x.told = append(x.told, "end")
		x.say(wire.OpFin, nil)
	case wire.OpError, wire.OpFailed:
		_ = wire.Parse(rest, &f)
		x.told = append(x.told, f.Code)
	case wire.OpClosed:
		close(x.closed)
	}
}

// got takes bytes from the server.
func (x *transfer) got(n int) {
	x.moved.Add(int64(n))
	x.send(n)
}

// send sends bytes to the server.
func (x *transfer) send(n int) {
	if !x.v1 {
		x.write(make([]byte, n))
		return
	}
	n = min(n, x.credit)
	x.credit -= n
	x.write(append(wire.AppendHead(nil, wire.OpData, 1), make([]byte, n)...))
}

func (x *transfer) say(op wire.Op, body wire.Body) { x.write(wire.Append(nil, op, 1, body)) }

// write sends a message. What is wrong with that shows in reading.
func (x *transfer) write(msg []byte) {
	_ = x.ws.Write(context.Background(), websocket.MessageBinary, msg)
}

// end waits for the end of the WebSocket and gives its close code, -1 if there was
// none, and reason.
func (x *transfer) end(t testing.TB) (websocket.StatusCode, string) {
	t.Helper()
	got(t, "end of a WebSocket", x.ended)
	return websocket.CloseStatus(x.err), x.err.Error()
}

// firehose writes until the connection breaks.
func firehose(c *net.TCPConn) {
	for p := make([]byte, piece); ; {
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}

// descriptors is how many a process has open, where that can be told.
func (p *process) descriptors() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)) // proc(5), Linux
	return len(entries)
}

// soonTrue waits for something that nothing tells of.
func soonTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
