package bridge_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"porthole/gateway/bridge"
)

const (
	// much is more than the kernels at both ends of a connection hold.
	much = 8 << 20
	// some of it has come when something happens, and more is under way.
	some = 300_000
)

func TestRefused(t *testing.T) {
	nobody := func(t *testing.T) bridge.Target { return absent(t) }
	scene{target: nobody}.eachKind(t, func(t *testing.T, l line) {
		wantEnd(t, l, "failed ECONNREFUSED, closed failed", "1011 ECONNREFUSED: connect")
	})
}

// A server that is killed while it pours: what came is what it sent first.
func TestResetWhileServerPours(t *testing.T) {
	sent := noise(much)
	eachServed(t, func(t *testing.T, l line, c *net.TCPConn) {
		poured := background(func() { _, _ = c.Write(sent) }) // it is cut short
		l.receive(some)
		reset(t, c)
		in := wantEnd(t, l, "connected, error ECONNRESET, closed error", "1011 ECONNRESET: read")
		<-poured
		wantPrefix(t, in, sent)
	})
}

// A server that is killed while the page pours.
func TestResetWhilePagePours(t *testing.T) {
	sent := noise(much)
	eachServed(t, func(t *testing.T, l line, c *net.TCPConn) {
		poured := background(func() { l.send(sent) })
		wantPrefix(t, read(t, c, some), sent)
		reset(t, c)
		<-poured
		wantReset(t, l)
	})
}

// A page that is killed while its server pours: the server learns of it.
func TestResetOfThePage(t *testing.T) {
	for _, protocol := range anyKind {
		t.Run(fmt.Sprintf("%q", protocol), func(t *testing.T) {
			leavesNothing(t)
			target, accept := accepting(t)
			b := to(target)
			f := frames(t, serve(t, b), protocol)
			broke := f.pouredUpon(protocol, accept)
			for range 9 {
				if _, _, err := f.next(); err != nil {
					t.Fatal(err)
				}
			}
			reset(t, f.Conn.(*net.TCPConn))
			broke()
			idles(t, b)
		})
	}
}

// The page ends first. The server has much to say yet, and all of it comes. In raw
// mode the end of one is that of both, so there it is what the page said before.
func TestPageEndsFirst(t *testing.T) {
	sent := noise(much)
	eachServed(t, func(t *testing.T, l line, c *net.TCPConn) {
		if l, ok := l.(*rawLine); ok {
			poured := background(func() {
				l.send(sent)
				l.raw.leave()
			})
			wantAll(t, c, sent)
			<-poured
			return
		}
		l.(*v1Line).fin()
		wantAll(t, c, nil)
		poured := background(func() {
			_, _ = c.Write(sent)
			_ = c.CloseWrite()
		})
		if in := wantEnd(t, l, "connected, finished, end, closed ended", ""); in != string(sent) {
			t.Errorf("%d bytes came, want the %d that were sent", len(in), len(sent))
		}
		<-poured
	})
}

// The server ends first, and the page has much to say yet; in raw mode it still
// gets all that the server said.
func TestServerEndsFirst(t *testing.T) {
	sent := noise(much)
	eachServed(t, func(t *testing.T, l line, c *net.TCPConn) {
		said := sent
		if _, ok := l.(*v1Line); ok {
			said = nil
		}
		poured := background(func() {
			_, _ = c.Write(said)
			_ = c.CloseWrite()
		})
		if l, ok := l.(*v1Line); ok {
			l.await("end", func() bool { return len(l.told) == 2 })
			poured = background(func() {
				l.send(sent)
				l.fin()
			})
			wantAll(t, c, sent)
		}
		if in := wantEnd(t, l, "connected, end, finished, closed ended", "1000 the server has ended"); in != string(said) {
			t.Errorf("%d bytes came, want the %d that were sent", len(in), len(said))
		}
		<-poured
	})
}

// Servers that take nothing hold up their own pages, and no other socket; and the
// bridge keeps of each no more than a window.
func TestServersThatNeverRead(t *testing.T) {
	const sessions = 4
	sent := make([]byte, 2*much)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			leavesNothing(t)
			mute, accept := accepting(t)
			sound := peer(t, echo)
			b := to(mute, sound)
			host := serve(t, b)
			held := growth()
			var lines []line
			var servers []*net.TCPConn
			var poured []<-chan struct{}
			for range sessions {
				l := kind.dial(t, host, mute, sound)
				lines, servers = append(lines, l), append(servers, accept())
				poured = append(poured, background(func() { l.send(sent) }))
			}
			stands(t, func() uint64 { return b.Stats().BytesUp })
			for _, l := range lines {
				l.others()
			}
			if grown := held(); grown > sessions<<20 {
				t.Errorf("%d sessions hold %d bytes", sessions, grown)
			}
			for i, l := range lines {
				select {
				case <-poured[i]:
					t.Errorf("a server that reads nothing has taken %d bytes", len(sent))
				default:
				}
				reset(t, servers[i])
				wantReset(t, l)
				l.leave()
				<-poured[i]
			}
			idles(t, b)
		})
	}
}

// A page that goes away while its server takes nothing is missed: at once where the
// bridge reads on, and in raw mode, where it cannot, once no byte has moved for so
// long.
func TestPageGoneBehindAServerThatNeverReads(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			mute, sound := peer(t, deaf), peer(t, echo)
			b := to(mute, sound)
			b.Limits.Idle = 2 * time.Second
			l := kind.dial(t, serve(t, b), mute, sound)
			poured := background(func() { l.send(make([]byte, 2*much)) })
			stands(t, func() uint64 { return b.Stats().BytesUp })
			l.vanish()
			idles(t, b)
			<-poured
		})
	}
}

// background runs f on a goroutine of its own, and tells when it has returned.
func background(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// stands waits until a count has moved, and moves no more.
func stands(t *testing.T, count func() uint64) {
	t.Helper()
	tick := time.NewTicker(patience / 50)
	defer tick.Stop()
	end := time.After(patience)
	for last := uint64(0); ; {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it moves on and on")
		}
		now := count()
		if now == last && now > 0 {
			return
		}
		last = now
	}
}

// wantReset wants the page of a line that it pours into to be told of a reset. The
// kernel tells of one once: who writes or who reads, which finds an end then.
func wantReset(t *testing.T, l line) {
	t.Helper()
	wantEnd(t, l,
		"connected, error ECONNRESET, closed error | connected, end, error ECONNRESET, closed error | connected, error EPIPE, closed error",
		"1011 ECONNRESET: read | 1011 ECONNRESET: write | 1011 EPIPE: write")
}

// wantPrefix wants what came to be what was sent first.
func wantPrefix(t *testing.T, came string, sent []byte) {
	t.Helper()
	if !strings.HasPrefix(string(sent), came) {
		t.Errorf("%d bytes came, not those that were sent first", len(came))
	}
}

// wantAll wants a server to read what was sent, and then an orderly end.
func wantAll(t *testing.T, c net.Conn, sent []byte) {
	t.Helper()
	if came, err := io.ReadAll(c); string(came) != string(sent) || err != nil {
		t.Errorf("the server reads %d bytes, %v, want the %d that were sent", len(came), err, len(sent))
	}
}
