package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// line is a socket as a page has it, in a session of either kind.
type line interface {
	// send sends all of b, or as much as the line takes until it ends.
	send(b []byte)
	// receive waits for n bytes in all and gives what came.
	receive(n int) string
	// end waits for the end: what came in all, and what the page was told.
	end() (in, told string)
	// leave ends the session as a page does that is closed: orderly.
	leave()
	// vanish ends it without a word.
	vanish()
	// others wants a socket beside this one to carry bytes: of the same session, if
	// that can have two.
	others()
}

// kinds are the two kinds of session.
var kinds = []struct {
	name string
	dial func(t *testing.T, host string, target, echo bridge.Target) line
}{
	{"porthole.v1", func(t *testing.T, host string, target, echo bridge.Target) line {
		p := open(t, host)
		l := &v1Line{other: p.connect(echo)}
		l.stream = p.dial(wire.Dial{Host: target.Host, Port: uint64(target.Port)})
		return l
	}},
	{"raw", func(t *testing.T, host string, target, echo bridge.Target) line {
		return &rawLine{raw: openRaw(t, host, "target="+target.String()), other: openRaw(t, host, "target="+echo.String())}
	}},
}

type v1Line struct {
	*stream
	other *stream
}

func (l *v1Line) send(b []byte) {
	l.do(func() {
		for len(b) > 0 && l.reason == 0 {
			n := l.Stream.Write(b)
			if b = b[n:]; n == 0 {
				l.p.changed.Wait()
			}
		}
	})
}

func (l *v1Line) end() (in, told string) {
	l.p.t.Helper()
	l.closed()
	return string(l.in), strings.Join(l.told, ", ")
}

func (l *v1Line) leave()  { l.p.leave() }
func (l *v1Line) vanish() { l.p.vanish() }

func (l *v1Line) others() {
	l.p.t.Helper()
	n := len(l.other.receive(0))
	l.other.send([]byte("x"))
	l.other.receive(n + 1)
}

type rawLine struct {
	raw
	other raw
	in    []byte
}

func (l *rawLine) send(b []byte) {
	for piece := range slices.Chunk(b, 16<<10) {
		if l.Write(context.Background(), websocket.MessageBinary, piece) != nil {
			return // the reader is told why
		}
	}
}

func (l *rawLine) receive(n int) string {
	l.t.Helper()
	if n > len(l.in) {
		l.in = append(l.in, l.raw.receive(n-len(l.in))...)
	}
	return string(l.in)
}

func (l *rawLine) end() (in, told string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, msg, err := l.Read(ctx)
		if err == nil {
			l.in = append(l.in, msg...)
			continue
		}
		if said, ok := errors.AsType[websocket.CloseError](err); ok {
			return string(l.in), fmt.Sprintf("%d %s", said.Code, said.Reason)
		}
		return string(l.in), err.Error()
	}
}

func (l *rawLine) leave() {
	l.raw.leave()
	l.other.leave()
}

func (l *rawLine) vanish() {
	_ = l.CloseNow()
	_ = l.other.CloseNow()
}

func (r raw) leave() { _ = r.Close(websocket.StatusNormalClosure, "") }

func (l *rawLine) others() {
	l.t.Helper()
	l.other.send(websocket.MessageBinary, "x")
	l.other.receive(1)
}

// scene is where a line meets a fault.
type scene struct {
	limits bridge.Limits
	target func(t *testing.T) bridge.Target
	// way is how pages come to the gateway, which is at host. If nil, straight.
	way func(t *testing.T, host string) string
}

// eachKind lets a line of each kind meet a fault. Other sockets must know nothing
// of it, and nothing may be left once the page has gone.
func (sc scene) eachKind(t *testing.T, meet func(t *testing.T, l line)) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			leavesNothing(t)
			faulty, sound := sc.target(t), peer(t, echo)
			b := to(faulty, sound)
			b.Limits = sc.limits
			host := serve(t, b)
			if sc.way != nil {
				host = sc.way(t, host)
			}
			l := kind.dial(t, host, faulty, sound)
			meet(t, l)
			l.others()
			l.leave()
			idles(t, b)
		})
	}
}

// eachServed is eachKind with a server whose end of the line is the test's.
func eachServed(t *testing.T, meet func(t *testing.T, l line, c *net.TCPConn)) {
	t.Helper()
	var accept func() *net.TCPConn
	scene{target: func(t *testing.T) (target bridge.Target) {
		target, accept = accepting(t)
		return target
	}}.eachKind(t, func(t *testing.T, l line) { meet(t, l, accept()) })
}

// pouredUpon has servers pour upon a session that has no socket yet, until their
// connections break, and tells when all have. Without more credit the page gets
// more than a kernel holds, and not without end.
func (f *framer) pouredUpon(protocol string, accept func() *net.TCPConn) (broke func()) {
	f.t.Helper()
	var pouring sync.WaitGroup
	for id := range uint64(4) {
		if protocol != "" {
			f.send(frame(true, opBinary, message(wire.OpDial, 2*id+1, &wire.Dial{Window: wire.MaxWindow})))
		} else if id > 0 {
			break
		}
		c := accept()
		pouring.Go(func() { firehose(c) })
	}
	return pouring.Wait
}

// wantEnd waits for the end of a line and wants the page to be told of it in
// certain words, or in one of some, with " | " between them. It gives what came.
func wantEnd(t *testing.T, l line, v1, raw string) (in string) {
	t.Helper()
	in, told := l.end()
	want := raw
	if _, ok := l.(*v1Line); ok {
		want = v1
	}
	if !slices.Contains(strings.Split(want, " | "), told) {
		t.Errorf("the page is told %q, want %q", told, want)
	}
	return in
}

// idles waits until a bridge has no session and no stream, though no one has shut
// it down.
func idles(t testing.TB, b *bridge.Bridge) {
	t.Helper()
	soonTrue(t, "no session and no stream is left", func() bool {
		s := b.Stats()
		return s.Sessions == 0 && s.Streams == 0
	})
}
