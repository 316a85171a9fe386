package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"porthole/gateway/bridge"
)

//lint:file-ignore SA1019 the library is the project's choice, here for its client

// Why a stream ends, in Wisp's terms.
func TestWispReasons(t *testing.T) {
	listed, nobody := peer(t, echo), absent(t)
	one := peer(t, sayer("last words"))
	breaks := peer(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0) // the close that follows resets
	})
	unknown, rebound := bridge.Target{Host: "unknown.test", Port: 1}, bridge.Target{Host: "rebound.test", Port: 1}
	for _, tt := range []struct {
		name   string
		limits bridge.Limits
		act    func(c *wispClient) *wispEnd
		want   byte
		counts string
	}{
		{"the peer ends", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.to(one) }, 0x02, ""},
		{"the peer resets", bridge.Limits{}, func(c *wispClient) *wispEnd {
			s := c.to(breaks)
			s.send("x")
			return s
		}, 0x03, ""},
		{"port 0", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.connect(1, listed.Host, 0) }, 0x41, ""},
		{"no host", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.connect(1, "", listed.Port) }, 0x41, ""},
		{"UDP", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.connect(2, listed.Host, listed.Port) }, 0x41, ""},
		{"no such name", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.to(unknown) }, 0x42, ""},
		{"no answer in time", bridge.Limits{Dial: time.Nanosecond}, func(c *wispClient) *wispEnd { return c.to(listed) }, 0x43, ""},
		{"no one listens", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.to(nobody) }, 0x44, ""},
		{"not listed", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.connect(1, "127.0.0.9", listed.Port) }, 0x48, "target"},
		{"a path", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.connect(1, "/etc/passwd", 1) }, 0x48, "target"},
		{"a private address", bridge.Limits{}, func(c *wispClient) *wispEnd { return c.to(rebound) }, 0x48, "address"},
		{"too many", bridge.Limits{Streams: 1}, func(c *wispClient) *wispEnd {
			c.to(listed)
			return c.to(listed)
		}, 0x49, "streams"},
		{"too many to one", bridge.Limits{Target: 1}, func(c *wispClient) *wispEnd {
			s := c.to(listed)
			s.send("x")
			s.receive(1)
			return c.to(listed)
		}, 0x49, "crowded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := to(listed, nobody, one, breaks, unknown, rebound)
			b.Limits = tt.limits
			b.Resolver = names(map[string]string{"rebound.test": "127.0.0.3"}).resolver(t)
			c := openWisp(t, serveWisp(t, b))
			s := tt.act(c)
			if got := s.closed(); got != tt.want {
				t.Errorf("closed with %#x, want %#x", got, tt.want)
			}
			if tt.counts != "" {
				wantRefused(t, b, tt.counts, 1)
			}
			if tt.name == "the peer ends" && string(s.in) != "last words" {
				t.Errorf("before its end came %q", s.in)
			}
		})
	}
}

// A server that is killed while its client pours has not ended in order, though the
// kernel, which tells of a reset once, may have told who writes and not who reads.
func TestWispResetIsNoEnd(t *testing.T) {
	target, accept := accepting(t)
	c := openWisp(t, serveWisp(t, to(target)))
	big := strings.Repeat("x", 1<<20)
	for range 100 {
		s := c.to(target)
		peer := accept()
		poured := background(func() { _ = c.write(wispPacket(wispData, s.id, big)) })
		read(t, peer, 1<<18)
		reset(t, peer)
		if got, want := s.closed(), byte(0x03); got != want {
			t.Errorf("closed with %#x, want %#x", got, want)
		}
		<-poured
	}
}

// What a client closes its server sees end: in order, and behind all that it sent,
// or, where the client is in trouble, with a reset.
func TestWispClientCloses(t *testing.T) {
	big := strings.Repeat("last words", 1<<18) // more than kernels hold
	for reason, want := range map[byte]error{0x01: nil, 0x02: nil, 0x81: syscall.ECONNRESET} {
		for name, size := range map[string]int{"nothing": 0, "a little": 10, "a lot": len(big)} {
			t.Run(fmt.Sprintf("%#x behind %s", reason, name), func(t *testing.T) {
				target, accept := accepting(t)
				b := to(target)
				c := openWisp(t, serveWisp(t, b), wispConfirmation)
				s := c.to(target)
				c.awaits("an open stream", func() bool { return s.opened })
				sent := background(func() {
					for rest := big[:size]; rest != ""; {
						n := min(len(rest), 100<<10)
						s.send(rest[:n])
						rest = rest[n:]
					}
					s.close(reason)
				})
				peer := accept()
				if want == nil {
					if got := read(t, peer, size); got != big[:size] {
						t.Error("the peer has not read what was sent")
					}
				}
				if err := ending(peer); !errors.Is(err, want) {
					t.Errorf("the peer ends with %v, want %v", err, want)
				}
				<-sent
				soonTrue(t, "the stream is gone", func() bool { return b.Stats().Streams == 0 })
			})
		}
	}
}

// heldUp is a stream whose server reads nothing yet, and data of which not all is with
// kernels, but all has come.
func heldUp(t *testing.T, end func(s *wispEnd)) (b *bridge.Bridge, s *wispEnd, peer *net.TCPConn, data string) {
	t.Helper()
	target, accept := accepting(t)
	b = to(target)
	b.Limits.Buffer = 16 << 10 // much less
	c := openWisp(t, serveWisp(t, b))
	s = c.to(target)
	peer = accept()
	if err := peer.SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	data = string(noise(200 << 10))
	s.send(data)
	end(s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.ws.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	return b, s, peer, data
}

// CLOSE ends a stream, but not before the last bytes.
func TestWispLastBytes(t *testing.T) {
	b, _, peer, data := heldUp(t, func(s *wispEnd) { s.close(2) })
	if got, err := io.ReadAll(peer); err != nil || string(got) != data {
		t.Errorf("the peer reads %d bytes to %v, want all %d, and FIN", len(got), err, len(data))
	}
	soonTrue(t, "the stream is gone, though its peer has not ended", func() bool { return b.Stats().Streams == 0 })
}

// A dial that nothing was sent for ends with its stream, and one that something was
// brings it there.
func TestWispClosesBeforeItIsOpen(t *testing.T) {
	target, accept := accepting(t)
	b, slow, open := pending(t, target)
	c := openWisp(t, serveWisp(t, b))
	for _, data := range []string{"", "x"} {
		s := c.to(slow)
		soonTrue(t, "it dials", func() bool { return b.Stats().Streams == 1 })
		if data == "" {
			s.close(2)
		} else {
			s.send(data)
			s.close(0x81)
		}
		soonTrue(t, "the stream is gone", func() bool { return b.Stats().Streams == 0 })
	}
	s := c.to(slow)
	s.send("last words")
	s.close(2)
	open()
	if got, want := read(t, accept(), 10), "last words"; got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
}

// The peer's end is the stream's: what the client has sent still gets there.
func TestWispHasNoHalf(t *testing.T) {
	b, s, peer, data := heldUp(t, func(*wispEnd) {})
	closeWrite(t, peer)
	if got, want := s.closed(), byte(0x02); got != want {
		t.Errorf("closed with %#x, want %#x", got, want)
	}
	if got, err := io.ReadAll(peer); err != nil || string(got) != data {
		t.Errorf("the peer reads on for %d bytes to %v, want all %d, and FIN", len(got), err, len(data))
	}
	soonTrue(t, "the stream is gone", func() bool { return b.Stats().Streams == 0 })
}
