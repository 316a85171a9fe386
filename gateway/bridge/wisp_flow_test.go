package bridge_test

import (
	"context"
	"crypto/sha256"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire/tap"
)

// pending is a bridge that reaches the target as slow.test too, but not before open
// is called.
func pending(t *testing.T, target bridge.Target) (b *bridge.Bridge, slow bridge.Target, open func()) {
	slow = bridge.Target{Host: "slow.test", Port: target.Port}
	b = to(slow, target)
	b.Resolver = names(map[string]string{slow.Host: "127.0.0.1"}).resolver(t)
	opened, dial := make(chan struct{}), b.Resolver.Dial
	b.Resolver.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-opened:
			return dial(ctx, network, address)
		case <-ctx.Done(): // no one waits for it any more
			return nil, ctx.Err()
		}
	}
	return b, slow, func() { close(opened) }
}

// A client has as many packets as it was given. One more ends the stream, and only
// that; an honest one gets more as the kernel takes them.
func TestWispCredit(t *testing.T) {
	for name, extensions := range map[string][]string{"v1": nil, "v2": {""}, "v2, confirmed": {wispConfirmation}} {
		t.Run(name, func(t *testing.T) {
			target, accept := accepting(t)
			b, slow, open := pending(t, target)
			c := openWisp(t, serveWisp(t, b), extensions...)
			honest, greedy := c.to(slow), c.to(slow)
			for range c.credit {
				honest.send("x")
			}
			for range c.credit + 1 {
				c.send(wispData, greedy.id, "x")
			}
			if got, want := greedy.closed(), byte(0x49); got != want {
				t.Errorf("who sends too much is closed with %#x, want %#x", got, want)
			}
			wantRefused(t, b, "credit", 1)
			c.send(wispData, greedy.id, "x") // under way when it was closed
			soonTrue(t, "its dial has ended", func() bool { return b.Stats().Streams == 1 })
			open()
			peer := accept()
			const more = 10_000
			sent := background(func() {
				for range more {
					honest.send("y")
				}
			})
			want := strings.Repeat("x", c.credit) + strings.Repeat("y", more)
			if got := read(t, peer, len(want)); got != want {
				t.Error("the peer has not read what was sent")
			}
			<-sent
		})
	}
}

// What is given is never more than what may come: a client that counts for itself,
// and sends as soon as it may, is not taken for one that does not.
func TestWispCreditIsExact(t *testing.T) {
	target := peer(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	b := to(target)
	c := openWisp(t, serveWisp(t, b), wispConfirmation)
	var sent sync.WaitGroup
	var streams []*wispEnd
	for i := range 4 {
		s := c.to(target)
		streams = append(streams, s)
		sent.Go(func() {
			for range 20_000 {
				s.send(strings.Repeat("x", i)) // also nothing at all
			}
		})
	}
	sent.Wait()
	wantRefused(t, b, "credit", 0)
	for _, s := range streams {
		if c.is(func() bool { return s.reason != 0 }) {
			t.Error("it is closed")
		}
	}
}

// A server that reads nothing costs a window, however much its client sends; when it
// reads, it reads all of it.
func TestWispStalledServer(t *testing.T) {
	const size = 64 << 20
	target, accept := accepting(t)
	b := to(target)
	b.Limits.Buffer = 64 << 10
	host := serveWisp(t, b)
	c, other := openWisp(t, host), openWisp(t, host)
	s := c.to(target)
	stalled := accept()
	data := string(noise(1 << 20))
	before := heap()
	sent := background(func() {
		for range size / len(data) {
			s.send(data)
		}
	})
	soonTrue(t, "a window is full", func() bool { return b.Stats().BytesUp > 0 })
	for range 100 { // meanwhile others come and go
		o := other.to(target)
		peer := accept()
		o.send("x")
		read(t, peer, 1)
		o.close(2)
		_ = ending(peer)
	}
	if after := heap(); after > before+16<<20 {
		t.Errorf("%d bytes more are held, of %d", after-before, size)
	}
	select {
	case <-sent:
		t.Error("all was taken, and no one reads")
	default:
	}
	got, want := sha256.New(), sha256.New()
	for range size / len(data) {
		_, _ = io.WriteString(want, data) // it never fails
	}
	if _, err := io.CopyN(got, stalled, size); err != nil || string(got.Sum(nil)) != string(want.Sum(nil)) {
		t.Errorf("the peer has not read what was sent: %v", err)
	}
	<-sent
}

// A packet that waits for room holds up what is behind it, and nothing before it.
func TestWispWaitsForRoom(t *testing.T) {
	target, accept := accepting(t)
	b, slow, open := pending(t, target)
	f := frames(t, serveWisp(t, b), "")
	f.await(opBinary) // CONTINUE
	data := func(id uint32, data string) string { return frame(true, opBinary, wispPacket(wispData, id, data)) }
	connect := func(id uint32, to bridge.Target) string {
		return frame(true, opBinary, wispPacket(wispConnect, id, wispWhere(1, to.Host, to.Port)))
	}
	f.send(connect(1, slow), connect(2, target))
	other := accept()
	window := strings.Repeat("x", 256<<10)
	f.send(data(1, window), data(2, "before")+data(1, "y")+data(2, "behind"))
	if got, want := read(t, other, 6), "before"; got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
	open()
	if got, want := read(t, accept(), len(window)+1), window+"y"; got != want {
		t.Error("the peer has not read what was sent")
	}
	if got, want := read(t, other, 6), "behind"; got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
}

// heap is how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A client that does not read is waited for, and not for ever, whatever else waits.
func TestWispStalledClient(t *testing.T) {
	target := peer(t, firehose)
	b, slow, _ := pending(t, target)
	b.Limits.Blocked = time.Nanosecond // at the next look
	f := frames(t, serveWisp(t, b), "")
	f.await(opBinary)
	for id := range uint32(16) { // more than kernels hold
		f.send(frame(true, opBinary, wispPacket(wispConnect, id+1, wispWhere(1, target.Host, target.Port))))
	}
	f.send(frame(true, opBinary, wispPacket(wispConnect, 99, wispWhere(1, slow.Host, slow.Port))))
	sent := background(func() {
		_, _ = io.WriteString(f, frame(true, opBinary, wispPacket(wispData, 99, string(noise(8<<20)))))
	})
	soonTrue(t, "the session is cut", func() bool { return b.Stats().Refused["blocked"] == 1 && b.Stats().Sessions == 0 })
	<-sent
}

// At a shutdown streams are closed, then the WebSocket, with 1001: whatever was under
// way, and also if a server takes nothing.
func TestWispShutdown(t *testing.T) {
	idle, pours, stalls := peer(t, echo), peer(t, firehose), peer(t, deaf)
	b := to(idle, pours, stalls)
	b.Limits.Buffer = 64 << 10 // what there is to be read first
	host := serveWisp(t, b)
	var clients []*wispClient
	var sent []<-chan struct{}
	for i := range 4 {
		c := openWisp(t, host, [][]string{nil, {wispConfirmation}}[i%2]...)
		c.to(idle)
		s := c.to(pours)
		s.receive(100 << 10)
		s = c.to(stalls)
		sent = append(sent, background(func() { _ = c.write(wispPacket(wispData, s.id, string(noise(8<<20)))) }))
		clients = append(clients, c)
	}
	soonTrue(t, "all streams are open", func() bool { return b.Stats().Streams == 3*len(clients) })
	shutdown(t, b)
	for i, c := range clients {
		if code, reason := c.status(); code != 1001 {
			t.Errorf("close code %d %q, want 1001", code, reason)
		}
		for id, s := range c.streams {
			if got, want := s.reason, byte(0x01); got != want {
				t.Errorf("stream %d is closed with %#x, want %#x", id, got, want)
			}
		}
		<-sent[i]
	}
}

// Every ending, many times over: nothing is left.
func TestWispLeavesNothing(t *testing.T) {
	leavesNothing(t)
	server, nobody := peer(t, obedient), absent(t)
	b := to(server, nobody)
	b.Log = &tap.Log{}
	host := serveWisp(t, b)
	for i := range 12 {
		c := openWisp(t, host, [][]string{nil, {wispConfirmation}}[i%2]...)
		tell := func(order string) *wispEnd {
			s := c.to(server)
			s.send(order)
			return s
		}
		tell("e").closed()
		tell("r").closed()
		tell("f").close(2)
		tell("f").close(0x81)
		tell("k").close(1)
		c.to(nobody).closed()
		c.connect(1, "unlisted.test", 1).closed()
		c.to(server).close(2)
		tell("k").receive(0) // these end with the session
		tell("f").receive(1)
		switch i % 4 {
		case 0:
			_ = c.ws.Close(websocket.StatusNormalClosure, "")
		case 1:
			_ = c.ws.CloseNow()
		case 2:
			_ = c.write("none") // a packet has more
			c.status()
		}
	}
}
