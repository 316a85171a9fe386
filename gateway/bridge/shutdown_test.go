package bridge_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// A page that closes while bytes pour in gets the close frame's answer, and
// nothing behind it: a browser takes a later frame for a broken connection.
func TestNothingFollowsTheAnswerToClose(t *testing.T) {
	for _, protocol := range []string{"", wire.Subprotocol} {
		t.Run(protocol, func(t *testing.T) {
			host := serve(t, to(peer(t, firehose)))
			for range 50 {
				f := frames(t, host, protocol)
				if protocol == wire.Subprotocol {
					f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.Window})))
				}
				for range 3 {
					if _, _, err := f.next(); err != nil {
						t.Fatal(err)
					}
				}
				f.send(closeFrame(1000, ""))
				if got, want := f.goodbye(false, ignore), 1000; got != want {
					t.Errorf("close code %d, want %d", got, want)
				}
			}
		})
	}
}

// At a shutdown every page is told, under load too: first the end of each
// stream, then one close frame with 1001, then nothing. No one else is let in.
func TestShutdown(t *testing.T) {
	const pagesUnderLoad = 6 // each with megabytes in the kernel, to be read first
	b := to(peer(t, firehose))
	host := serve(t, b)
	var pages sync.WaitGroup
	for i := range pagesUnderLoad {
		protocol := []string{"", wire.Subprotocol}[i%2]
		f := frames(t, host, protocol)
		if protocol == "" {
			if _, _, err := f.next(); err != nil {
				t.Fatal(err)
			}
			pages.Go(func() {
				if got, want := f.goodbye(true, ignore), 1001; got != want {
					t.Errorf("raw: close code %d, want %d", got, want)
				}
			})
			continue
		}
		f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.Window})))
		f.send(frame(true, opBinary, message(wire.OpDial, 3, &wire.Dial{Window: 0})))
		var rules referee
		connected := 0
		follow := func(msg []byte) {
			if err := rules.message(msg); err != nil {
				t.Error(err)
			}
			switch op, id, rest, _ := wire.ParseHead(msg); op {
			case wire.OpConnected:
				connected++
			case wire.OpClosed:
				var c wire.Closed
				if err := wire.Parse(rest, &c); err != nil || c.Reason != wire.ReasonShutdown {
					t.Errorf("stream %d: closed %v, %v, want shutdown", id, c.Reason, err)
				}
			}
		}
		for connected < 2 {
			_, msg, err := f.next()
			if err != nil {
				t.Fatal(err)
			}
			follow(msg)
		}
		pages.Go(func() {
			if got, want := f.goodbye(true, follow), 1001; got != want {
				t.Errorf("close code %d, want %d", got, want)
			}
			if got := rules.open(); got != 0 {
				t.Errorf("%d streams were not closed before the WebSocket", got)
			}
		})
	}
	if got, want := b.Stats().Sessions, pagesUnderLoad; got != want {
		t.Errorf("%d sessions, want %d", got, want)
	}
	shutdown(t, b)
	pages.Wait()
	if got := b.Stats(); got.Sessions != 0 || got.Streams != 0 {
		t.Errorf("%d sessions and %d streams are left", got.Sessions, got.Streams)
	}
	if status, _, text := ask(t, host, "localhost", nil); status != http.StatusServiceUnavailable || text == "" {
		t.Errorf("status %d %q, want 503 in words", status, text)
	}
	if got := b.Stats().Refused["leaving"]; got != 1 {
		t.Errorf("%d refusals counted, want 1", got)
	}
	shutdown(t, b) // again: there is nothing to do
}

// Whoever comes while the gateway leaves is turned away, or let in and told.
func TestShutdownWhilePagesCome(t *testing.T) {
	for range 20 {
		b := &bridge.Bridge{}
		host := serve(t, b)
		var pages sync.WaitGroup
		for i := range 10 {
			c, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			deadline(t, c)
			pages.Go(func() {
				f, status := handshake(t, c, wire.Subprotocol)
				switch status {
				case http.StatusServiceUnavailable:
				case http.StatusSwitchingProtocols:
					if got, want := f.goodbye(true, ignore), 1001; got != want {
						t.Errorf("page %d: close code %d, want %d", i, got, want)
					}
				default:
					t.Errorf("page %d: status %d", i, status)
				}
			})
		}
		for range 2 {
			pages.Go(func() { shutdown(t, b) })
		}
		pages.Wait()
	}
}

// pipes listens where net.Pipe connects: there time is the test's own.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
}

func (l pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l pipes) Close() error   { close(l.over); return nil }
func (l pipes) Addr() net.Addr { return &net.UnixAddr{} }

// serve serves a bridge, and gives who connects to it.
func (l pipes) serve(t *testing.T, b *bridge.Bridge) (connect func() net.Conn) {
	server := &http.Server{Handler: b}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		l.conns <- theirs
		t.Cleanup(func() { _ = ours.Close() })
		return ours
	}
}

// Dead pages hold up a shutdown no longer than a close handshake may take, or
// than the grace, if that is shorter; and no live page at all.
func TestShutdownWithDeadPages(t *testing.T) {
	const handshakes = 5 * time.Second
	for _, grace := range []time.Duration{time.Second, time.Minute} {
		t.Run(grace.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := to()
				connect := pipes{make(chan net.Conn), make(chan struct{})}.serve(t, b)
				var live sync.WaitGroup
				for i := range 12 {
					f, status := handshake(t, connect(), wire.Subprotocol)
					if status != http.StatusSwitchingProtocols {
						t.Fatalf("status %d", status)
					}
					switch i % 4 {
					case 0: // reads nothing, not even hello
					case 1: // stops in the middle of a frame
						if _, _, err := f.next(); err != nil {
							t.Fatal(err)
						}
						f.send(frame(true, opBinary, "a message")[:9])
						live.Go(func() { f.goodbye(false, ignore) })
					default:
						live.Go(func() {
							start := time.Now()
							if got, want := f.goodbye(true, ignore), 1001; got != want {
								t.Errorf("close code %d, want %d", got, want)
							}
							if took := time.Since(start); took != 0 {
								t.Errorf("a live page waited %v", took)
							}
						})
					}
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), grace)
				defer cancel()
				start := time.Now()
				err := b.Shutdown(ctx)
				if got, want := time.Since(start), min(grace, handshakes); got != want {
					t.Errorf("the shutdown took %v, want %v", got, want)
				}
				if cut := grace < handshakes; cut != errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Shutdown: %v after a grace of %v", err, grace)
				}
				live.Wait()
			})
		})
	}
}

// Raw pages that are dead, with servers that pour, are cut as well.
func TestShutdownWithDeadRawPages(t *testing.T) {
	b := to(peer(t, firehose))
	host := serve(t, b)
	for i := range 10 {
		f := frames(t, host, "") // it reads nothing
		if i%2 == 0 {
			f.send(frame(true, opBinary, "a message")[:9])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want %v", err, context.Canceled)
	}
	if got := b.Stats().Sessions; got != 0 {
		t.Errorf("%d sessions are left", got)
	}
}

// Nor does a server hold one up that takes nothing of what a page pours.
func TestShutdownWithADeafServer(t *testing.T) {
	b := to(peer(t, deaf))
	host := serve(t, b)
	f := frames(t, host, wire.Subprotocol)
	f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.Window})))
	for range 4 {
		f.send(frame(true, opBinary, data(1, wire.MaxMessage-2)))
	}
	f = frames(t, host, "")
	for stuck := false; !stuck; {
		if err := f.SetWriteDeadline(time.Now().Add(patience / 100)); err != nil {
			t.Fatal(err)
		}
		n, err := io.WriteString(f, frame(true, opBinary, string(make([]byte, 1<<20))))
		stuck = n == 0
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	shutdown(t, b)
}

// A page that broke the rules and then stops in the middle of a frame does not
// keep its connection.
func TestCloseOfAFrozenPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := to()
		connect := pipes{make(chan net.Conn), make(chan struct{})}.serve(t, b)
		f, _ := handshake(t, connect(), wire.Subprotocol)
		if _, _, err := f.next(); err != nil {
			t.Fatal(err)
		}
		f.send(frame(true, opText, "no text here"))
		start := time.Now()
		go func() { _, _ = f.Conn.Write([]byte(frame(true, opBinary, "a message")[:9])) }()
		if got, want := f.goodbye(false, ignore), 1003; got != want {
			t.Errorf("close code %d, want %d", got, want)
		}
		if got, want := time.Since(start), 5*time.Second; got != want {
			t.Errorf("the connection ended after %v, want %v", got, want)
		}
	})
}

// A page that is cut off in the middle of a message has not sent that message,
// and has broken no rule.
func TestCutInAMessage(t *testing.T) {
	target, accept := accepting(t)
	for _, protocol := range []string{"", wire.Subprotocol} {
		t.Run(protocol, func(t *testing.T) {
			b := to(target)
			f := frames(t, serve(t, b), protocol)
			if protocol == wire.Subprotocol {
				f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.Window})))
			}
			c := accept()
			const head = 6 // of a short frame, with its mask
			f.send(frame(true, opBinary, data(1, 9))[:head])
			if err := f.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Read(make([]byte, 1)); n != 0 {
				t.Errorf("the peer read %d bytes, %v, want none", n, err)
			}
			for {
				if opcode, _, err := f.next(); err != nil {
					break
				} else if opcode == opClose {
					t.Error("a close frame comes")
				}
			}
			if got := b.Stats().Refused["protocol"]; got != 0 {
				t.Errorf("%d violations counted, want none", got)
			}
		})
	}
}
