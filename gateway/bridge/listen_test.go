package bridge_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"porthole/gateway/bridge"
	"porthole/web/client"
	"porthole/wire"
	"porthole/wire/tap"
)

// hosting is a bridge whose pages may listen on the loopback.
func hosting() *bridge.Bridge {
	b := to()
	b.Policy.Listen = []bridge.Target{{Host: "127.0.0.0/8", Port: 1024, Last: 65535}, {Host: "::1", Port: 1024, Last: 65535}}
	b.Log = &tap.Log{}
	return b
}

// listens opens a listener as id, and gives its address.
func (k *talker) listens(id uint64, l wire.Listen) string {
	k.t.Helper()
	k.send(wire.OpListen, id, &l)
	var at wire.Listener
	k.body(wire.OpListening, id, &at)
	return at.Local
}

// refused wants a listener to be refused.
func (k *talker) refused(id uint64, l wire.Listen, code string) {
	k.t.Helper()
	k.send(wire.OpListen, id, &l)
	var f wire.Failure
	k.body(wire.OpFailed, id, &f)
	if f.Code != code || f.Syscall != "listen" {
		k.t.Errorf("%+v: %+v, want %s of listen", l, f, code)
	}
}

// accepts waits for a connection, and gives its id.
func (k *talker) accepts(listener uint64) (id uint64, a wire.Accepted) {
	k.t.Helper()
	op, id, rest, err := k.next()
	if err == nil {
		err = wire.Parse(rest, &a)
	}
	if op != wire.OpAccepted || err != nil || a.Listener != listener || id%2 != 0 {
		k.t.Fatalf("got op %d id %d %+v, %v, want a connection of %d", op, id, a, err, listener)
	}
	return id, a
}

func dialTCP(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	deadline(t, c)
	return c.(*net.TCPConn)
}

// What is accepted is a stream: nothing is read of it before there is credit, and
// it ends as any other.
func TestListen(t *testing.T) {
	b := hosting()
	b.Log = nil // no events between
	k := talk(t, serve(t, b))
	addr := k.listens(1, wire.Listen{})
	c := dialTCP(t, addr)
	write(t, c, "哇咔咔")
	id, a := k.accepts(1)
	if a.Local != addr || a.Remote != c.LocalAddr().String() {
		t.Errorf("accepted %+v, want %s from %s", a, addr, c.LocalAddr())
	}
	k.send(wire.OpData, id, nil) // nothing, and no credit
	k.sendBytes([]byte(message(wire.OpData, id, nil) + "你好"))
	if got := read(t, c, 6); got != "你好" {
		t.Errorf("the client reads %q", got)
	}
	k.body(wire.OpWrote, id, nil)
	k.send(wire.OpCredit, id, count(9))
	if op, _, rest, err := k.next(); op != wire.OpData || string(rest) != "哇咔咔" {
		t.Errorf("got op %d %q, %v, want data", op, rest, err)
	}
	k.send(wire.OpCredit, id, count(1))
	_ = c.CloseWrite()
	k.body(wire.OpFin, id, nil)
	k.send(wire.OpFin, id, nil)
	k.body(wire.OpFinished, id, nil)
	var why wire.Closed
	k.body(wire.OpClosed, id, &why)
	if why.Reason != wire.ReasonEnded {
		t.Errorf("closed %v, want %v", why.Reason, wire.ReasonEnded)
	}
	if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
		t.Errorf("the client reads %q, %v, want its end", got, err)
	}
	k.send(wire.OpUnlisten, 1, nil)
	k.body(wire.OpUnlistened, 1, nil)
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("someone listens still")
	}
	k.refused(3, wire.Listen{Host: "203.0.113.1"}, "EACCES")
	again := k.listens(5, wire.Listen{Port: uint64(dialPort(addr)), Host: "127.0.0.1"})
	if again != addr {
		t.Errorf("listens again at %s, want %s", again, addr)
	}
}

func dialPort(addr string) uint16 { return parse(addr).Port }

func parse(addr string) bridge.Target {
	t, err := bridge.ParseTarget(addr)
	if err != nil {
		panic(err)
	}
	return t
}

// Where pages may listen, and where not.
func TestListenPolicy(t *testing.T) {
	b := hosting()
	b.Log = nil
	k := talk(t, serve(t, b))
	taken := peer(t, echo)
	for i, tt := range []struct {
		listen wire.Listen
		want   string // an error's code, or the address
	}{
		{wire.Listen{Host: "localhost"}, "127.0.0.1"},
		{wire.Listen{Host: "0.0.0.0"}, "127.0.0.1"},
		{wire.Listen{Host: "127.5.6.7"}, "127.5.6.7"},
		{wire.Listen{Host: "::1"}, "::1"},
		{wire.Listen{Host: "localhost", Family: 6}, "::1"},
		{wire.Listen{Host: "", Family: 6}, "::1"},
		{wire.Listen{Host: "127.0.0.1", Port: 1023}, "EACCES"},
		{wire.Listen{Host: "127.0.0.1", Port: 1 << 16}, "EACCES"},
		{wire.Listen{Host: "10.0.0.1"}, "EACCES"},
		{wire.Listen{Host: "example.org"}, "EACCES"},
		{wire.Listen{Host: "127.0.0.1", Port: uint64(taken.Port)}, "EADDRINUSE"},
	} {
		id := uint64(2*i + 1)
		k.send(wire.OpListen, id, &tt.listen)
		op, _, rest, err := k.next()
		var at wire.Listener
		var f wire.Failure
		got := ""
		switch {
		case err != nil:
			t.Fatal(err)
		case op == wire.OpListening && wire.Parse(rest, &at) == nil:
			got = parse(at.Local).Host
		case op == wire.OpFailed && wire.Parse(rest, &f) == nil:
			got = f.Code
		}
		if got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.listen, got, tt.want)
		}
	}
	if got := b.Stats().Refused["listen"]; got != 4 {
		t.Errorf("%d refusals counted, want 4", got)
	}
	none := talk(t, serve(t, to()))
	none.refused(1, wire.Listen{}, "EACCES")
}

// A second page cannot have the port, and a page that goes away gives it free at
// once, and resets what it had accepted.
func TestListenersEndWithTheirPage(t *testing.T) {
	b := hosting()
	b.Log = nil
	host := serve(t, b)
	one, two := talk(t, host), talk(t, host)
	addr := one.listens(1, wire.Listen{})
	c := dialTCP(t, addr)
	one.accepts(1)
	two.refused(1, wire.Listen{Host: "127.0.0.1", Port: uint64(dialPort(addr))}, "EADDRINUSE")
	_ = one.ws.CloseNow()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection of a page that has gone goes on")
	}
	soonTrue(t, "the page has gone", func() bool { return b.Stats().Sessions == 1 })
	if got := two.listens(3, wire.Listen{Host: "127.0.0.1", Port: uint64(dialPort(addr))}); got != addr {
		t.Errorf("listens at %s, want %s", got, addr)
	}
}

// A session with as many streams as it may have accepts no more, until it has room.
// What waits when the listener is closed is refused.
func TestListenersWaitForRoom(t *testing.T) {
	b := hosting()
	b.Log = nil
	b.Limits.Streams = 2 // the listener is one
	k := talk(t, serve(t, b))
	addr := k.listens(1, wire.Listen{})
	first, second, third := dialTCP(t, addr), dialTCP(t, addr), dialTCP(t, addr)
	id, _ := k.accepts(1)
	k.send(wire.OpClose, id, count(0))
	seen := map[wire.Op]uint64{} // in any order: there is room before closed is told
	for range 2 {
		op, id, _, err := k.next()
		if err != nil {
			t.Fatal(err)
		}
		seen[op] = id
	}
	if seen[wire.OpClosed] != id || seen[wire.OpAccepted] == 0 {
		t.Errorf("got %v, want closed of %d, and accepted", seen, id)
	}
	k.send(wire.OpUnlisten, 1, nil)
	k.body(wire.OpUnlistened, 1, nil)
	ends := 0
	for _, c := range []net.Conn{first, third} {
		if _, err := c.Read(make([]byte, 1)); err != nil {
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("%d of 2 have ended", ends)
	}
	write(t, second, "x") // it is open
}

// Pages may dial what pages listen on, and nothing else beside the targets.
func TestPagesReachPages(t *testing.T) {
	b := hosting()
	b.Log = nil
	host := serve(t, b)
	one := talk(t, host)
	addr := parse(one.listens(1, wire.Listen{}))
	two := talk(t, host)
	two.send(wire.OpDial, 1, &wire.Dial{Host: "localhost", Port: uint64(addr.Port)})
	two.body(wire.OpConnected, 1, nil)
	one.accepts(1)
	two.send(wire.OpDial, 3, &wire.Dial{Host: addr.Host, Port: uint64(addr.Port)})
	two.body(wire.OpConnected, 3, nil)
	other := peer(t, echo)
	for i, d := range []wire.Dial{
		{Host: "127.0.0.2", Port: uint64(addr.Port)},
		{Host: "::1", Port: uint64(addr.Port)},
		{Host: other.Host, Port: uint64(other.Port)},
	} {
		id := uint64(5 + 2*i)
		two.send(wire.OpDial, id, &d)
		var f wire.Failure
		two.body(wire.OpFailed, id, &f)
		if f.Code != "EACCES" {
			t.Errorf("%v: %+v, want EACCES", d, f)
		}
		two.body(wire.OpClosed, id, nil)
	}
}

// With a loopback of its own each page has every port, and reaches its own listener
// there and no other's, whatever is listed.
func TestSessionLoopback(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere 127.0.0.1 is the only loopback")
	}
	b := hosting()
	b.Log = nil
	b.Policy.SessionLoopback = true
	b.Policy.Targets = b.Policy.Listen
	host := serve(t, b)
	one, two := talk(t, host), talk(t, host)
	first := parse(one.listens(1, wire.Listen{Host: "127.0.0.1"}))
	second := parse(two.listens(1, wire.Listen{Host: "localhost", Port: uint64(first.Port)}))
	if first.Host == second.Host || first.Port != second.Port || !strings.HasPrefix(first.Host, "127.") || first.Host == "127.0.0.1" {
		t.Errorf("they listen on %v and %v", first, second)
	}
	two.refused(3, wire.Listen{Host: first.Host}, "EACCES")
	for i, d := range []wire.Dial{{Host: "localhost"}, {Host: "localhost", Address: "127.0.0.1"}, {Host: "127.0.0.1"}, {Host: second.Host}} {
		id := uint64(5 + 2*i)
		d.Port = uint64(second.Port)
		two.send(wire.OpDial, id, &d)
		var c wire.Connected
		for _, op := range two.both(&c) {
			if op != wire.OpConnected && op != wire.OpAccepted {
				t.Errorf("%+v: op %d", d, op)
			}
		}
		if parse(c.Remote) != second {
			t.Errorf("%+v leads to %s, want %v", d, c.Remote, second)
		}
	}
	two.send(wire.OpDial, 21, &wire.Dial{Host: first.Host, Port: uint64(first.Port)})
	var f wire.Failure
	two.body(wire.OpFailed, 21, &f)
	if f.Code != "EACCES" {
		t.Errorf("the other's listener: %+v, want EACCES", f)
	}
}

// both takes two messages, one of which tells of a connection.
func (k *talker) both(c *wire.Connected) (ops []wire.Op) {
	k.t.Helper()
	for range 2 {
		op, _, rest, err := k.next()
		if err == nil && op == wire.OpConnected {
			err = wire.Parse(rest, c)
		}
		if err != nil {
			k.t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

// Both ends of a connection between pages are told of, to both pages.
func TestEventsOfListeners(t *testing.T) {
	b := hosting()
	host := serve(t, b)
	one := open(t, host)
	l := &listens{p: one}
	one.mu.Lock()
	one.Listen(wire.Listen{}, l)
	one.mu.Unlock()
	one.await("a listener", func() bool { return l.at != "" })
	two := open(t, host)
	at := parse(l.at)
	s := two.connect(at)
	one.await("a connection", func() bool { return l.accepted })
	for who, p := range map[string]*page{"the server's page": one, "the client's page": two} {
		want := map[string]bool{"server connection": true}
		if p == one {
			want["server listening"] = true
		} else {
			want["client connect"] = true
		}
		p.await(who+" is told", func() bool {
			for _, e := range p.events {
				delete(want, e.Side.String()+" "+e.Kind.String())
			}
			return len(want) == 0
		})
	}
	s.do(s.Stream.Close)
	s.closed()
}

// listens is a listener of a page.
type listens struct {
	p        *page
	at       string
	accepted bool
}

func (l *listens) Listening(local string) { l.at = local; l.p.changed.Broadcast() }
func (l *listens) Failed(f wire.Failure)  { l.p.t.Errorf("no listener: %+v", f) }
func (l *listens) Unlistened()            {}

func (l *listens) Accept(st *client.Stream, _ wire.Accepted) client.StreamHandler {
	l.accepted = true
	l.p.changed.Broadcast()
	s := &stream{p: l.p, Stream: st}
	l.p.streams = append(l.p.streams, s)
	return s
}
