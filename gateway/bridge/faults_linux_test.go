package bridge_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// crowded is a server that accepts no one, and whose kernel has as many waiting as
// it takes: it answers no SYN any more.
func crowded(t *testing.T) bridge.Target {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in := sa.(*syscall.SockaddrInet4)
	target := parseTarget(t, netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)).String())
	for full := false; !full; {
		c, err := net.DialTimeout("tcp", target.String(), patience/100)
		if full = err != nil; !full {
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	return target
}

// A dial to whom one cannot get through ends in time, and holds up no other.
func TestCrowdedServer(t *testing.T) {
	scene{target: crowded, limits: bridge.Limits{Dial: time.Second}}.eachKind(t, func(t *testing.T, l line) {
		l.others()
		wantEnd(t, l, "failed ETIMEDOUT, closed failed", "1011 ETIMEDOUT: connect")
	})
}

// However many of a page's dials are under way, others go through; and the page
// may give them up.
func TestManyDialsToACrowdedServer(t *testing.T) {
	leavesNothing(t)
	full, sound := crowded(t), peer(t, echo)
	b := to(full, sound)
	b.Limits.Dial = -1 // none ends by itself
	p := open(t, serve(t, b))
	var dials []*stream
	for range 100 {
		dials = append(dials, p.dial(wire.Dial{Host: full.Host, Port: uint64(full.Port)}))
	}
	for range 9 {
		s := p.connect(sound)
		s.send([]byte("x"))
		s.receive(1)
	}
	for _, s := range dials {
		s.do(func() {
			if len(s.told) > 0 {
				t.Errorf("a dial that cannot get through is told %q", s.told)
			}
		})
		s.do(s.Stream.Close)
		if got, want := s.closed(), wire.ReasonClosed; got != want {
			t.Errorf("closed %v, want %v", got, want)
		}
	}
	p.leave()
	idles(t, b)
}

// Behind a cable that is cut no one answers, and no one says so: a dial ends in
// time.
func TestDialIntoTheDark(t *testing.T) {
	if !ownHost(t) {
		return
	}
	scene{limits: bridge.Limits{Dial: time.Second}, target: func(t *testing.T) bridge.Target {
		c := lay(t)
		target := c.peer(echo)
		c.cut()
		return target
	}}.eachKind(t, func(t *testing.T, l line) {
		l.others()
		wantEnd(t, l, "failed ETIMEDOUT, closed failed", "1011 ETIMEDOUT: connect")
	})
}

// A cable that is cut for a while holds bytes up, and loses none.
func TestCableIsMended(t *testing.T) {
	if !ownHost(t) {
		return
	}
	var c *cable
	sent := noise(much)
	scene{target: func(t *testing.T) bridge.Target {
		c = lay(t)
		return c.peer(echo)
	}}.eachKind(t, func(t *testing.T, l line) {
		sending := background(func() { l.send(sent) })
		l.receive(some)
		c.cut()
		l.others()
		c.mend()
		if l.receive(len(sent)) != string(sent) {
			t.Error("what came back is not what was sent")
		}
		<-sending
	})
}

// A page whose cable is cut while bytes pour in takes nothing any more: it is cut
// off, and its server learns of it.
func TestPageInTheDark(t *testing.T) {
	if !ownHost(t) {
		return
	}
	for _, protocol := range anyKind {
		t.Run(fmt.Sprintf("%q", protocol), func(t *testing.T) {
			leavesNothing(t)
			c := lay(t)
			target, accept := accepting(t)
			b := to(target)
			b.Limits.Blocked = time.Nanosecond // the next look is beyond it
			f, _ := handshake(t, c.dial(serveAt(t, nearHost+":0", b)), protocol)
			broke := f.pouredUpon(protocol, accept)
			reading := background(f.readOn)
			soonTrue(t, "much has come", func() bool { return b.Stats().BytesDown > some })
			c.cut()
			idles(t, b)
			wantRefused(t, b, "blocked", 1)
			broke()
			_ = f.Close()
			<-reading
		})
	}
}

// readOn reads, and gives credit for what comes, until the connection ends.
func (f *framer) readOn() {
	for {
		_, payload, err := f.next()
		if err != nil {
			return
		}
		if op, id, rest, _ := wire.ParseHead(payload); op == wire.OpData {
			_, _ = io.WriteString(f, frame(true, opBinary, message(wire.OpCredit, id, count(uint64(len(rest))))))
		}
	}
}

// A server whose cable is cut says nothing any more. What it does not acknowledge
// tells, in time; and nothing does before there is something to acknowledge.
func TestServerInTheDark(t *testing.T) {
	if !ownHost(t) {
		return
	}
	var c *cable
	scene{limits: bridge.Limits{Unacked: 2 * time.Second}, target: func(t *testing.T) bridge.Target {
		c = lay(t)
		return c.peer(echo)
	}}.eachKind(t, func(t *testing.T, l line) {
		l.send([]byte("x"))
		l.receive(1)
		c.cut()
		l.send([]byte("x"))
		l.others()
		wantEnd(t, l, "connected, error ETIMEDOUT, closed error", "1011 ETIMEDOUT: read")
		c.mend()
	})
}

// A page whose cable is cut, and for whom there is nothing, is missed by a ping.
func TestIdlePageInTheDark(t *testing.T) {
	if !ownHost(t) {
		return
	}
	for _, protocol := range anyKind {
		t.Run(fmt.Sprintf("%q", protocol), func(t *testing.T) {
			leavesNothing(t)
			c := lay(t)
			b := to(peer(t, echo))
			b.Limits.Ping, b.Limits.Blocked = time.Second, 2*time.Second
			f, _ := handshake(t, c.dial(serveAt(t, nearHost+":0", b)), protocol)
			if f.await(opPing); protocol != "" {
				f.send(frame(true, opPong, ""))
			}
			c.cut()
			idles(t, b)
			wantRefused(t, b, "silent", 1)
			_ = f.Close()
		})
	}
}
