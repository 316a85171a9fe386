package bridge

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// script is a WebSocket that plays the page: it gives out messages, and keeps
// what is written, once hold lets it pass.
type script struct {
	messages chan []byte
	hold     func(op wire.Op) // waits; may be nil

	mu    sync.Mutex
	wrote []string // "op id", in the order in which the writes were over
	ended chan struct{}
}

func newScript() *script {
	return &script{messages: make(chan []byte), ended: make(chan struct{})}
}

func (s *script) Next() ([]byte, error) {
	select {
	case msg := <-s.messages:
		return msg, nil
	case <-s.ended:
		return nil, net.ErrClosed
	}
}

func (s *script) Ready() bool { return false }

func (s *script) Reads() uint64 { return 0 }
func (s *script) Sends() uint64 { return 0 }
func (s *script) Ping()         {}

func (s *script) Send(frames []byte) error {
	for len(frames) > 0 {
		n := int(frames[1])
		frames = frames[2:]
		switch n {
		case size16:
			n = int(binary.BigEndian.Uint16(frames))
			frames = frames[2:]
		case size64:
			panic("a message larger than any")
		}
		op, id, _, _ := wire.ParseHead(frames[:n])
		frames = frames[n:]
		if s.hold != nil {
			s.hold(op)
		}
		s.mu.Lock()
		s.wrote = append(s.wrote, fmt.Sprint(op, " ", id))
		s.mu.Unlock()
	}
	return nil
}

func (s *script) Close(int, string) { s.Abort() }
func (s *script) Linger()           {}

func (s *script) Abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
	default:
		close(s.ended)
	}
}

func (s *script) so() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wrote)
}

func (s *script) send(op wire.Op, id uint64, body wire.Body) {
	s.messages <- wire.Append(nil, op, id, body)
}

// play runs a session over a script until the script has ended.
func play(t *testing.T, b *Bridge, sock *script) *session {
	s := newSession(b, nil, sock)
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.run()
	}()
	t.Cleanup(func() {
		sock.Abort()
		<-over
	})
	return s
}

func TestHelloIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{Log: &tap.Log{}, Open: true}
		b.Observe(wire.Event{Kind: wire.Listening, Side: wire.Server, Local: "127.0.0.1:1234"})
		sock := newScript()
		sock.hold = func(op wire.Op) {
			if op == wire.OpHello {
				<-time.After(10 * feedDelay)
			}
		}
		play(t, b, sock)
		<-time.After(time.Second)
		want := []string{fmt.Sprint(wire.OpHello, " 0"), fmt.Sprint(wire.OpEvents, " 0")}
		if got := sock.so(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A page that dials without end and reads nothing is not read from either.
func TestRefusalsHoldUpThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sock := newScript()
		deaf := make(chan struct{})
		sock.hold = func(op wire.Op) {
			if op != wire.OpHello {
				<-deaf
			}
		}
		play(t, &Bridge{}, sock)
		taken := 0
		for id := uint64(1); taken < 10*maxStreams; id += 2 {
			synctest.Wait()
			select {
			case sock.messages <- wire.Append(nil, wire.OpDial, id, &wire.Dial{Host: "h", Port: 1}):
				taken++
				continue
			default:
			}
			break
		}
		if got, want := taken, maxStreams+1; got != want {
			t.Errorf("the session took %d dials, want %d", got, want)
		}
		close(deaf)
	})
}

// The place of a stream is free once the page knows of its end.
func TestClosedFreesItsPlace(t *testing.T) {
	silent := make(chan struct{})
	b := &Bridge{Policy: Policy{Targets: []Target{{Host: "silent.test", Port: 1}}}}
	b.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		<-silent
		return nil, errBroken
	}}
	sock := newScript()
	closed, told := make(chan struct{}), make(chan struct{})
	sock.hold = func(op wire.Op) {
		if op == wire.OpClosed {
			closed <- struct{}{}
			<-told
		}
	}
	s := play(t, b, sock)
	for id := uint64(1); id < 2*maxStreams; id += 2 {
		sock.send(wire.OpDial, id, &wire.Dial{Host: "silent.test", Port: 1})
	}
	sock.send(wire.OpReset, 1, nil)
	<-closed // it is being sent
	s.mu.Lock()
	if got, want := len(s.streams), maxStreams-1; got != want {
		t.Errorf("%d streams are open, want %d", got, want)
	}
	s.mu.Unlock()
	close(told)
	close(silent)
	for range maxStreams - 1 {
		<-closed
	}
}

// duplex is one end of a net.Pipe with what a TCP socket has more. Its writes
// wait until it is broken or closed.
type duplex struct {
	net.Conn
	broken chan struct{}
	closed chan struct{}
	linger *int // what SetLinger was told
}

func newDuplex() (d duplex, peer net.Conn) {
	ours, peer := net.Pipe()
	return duplex{ours, make(chan struct{}), make(chan struct{}), new(int)}, peer
}

func (d duplex) CloseWrite() error { return nil }

func (d duplex) SetLinger(sec int) error {
	*d.linger = sec
	return nil
}

func (d duplex) Close() error {
	close(d.closed)
	return d.Conn.Close()
}

var errBroken = errors.New("broken")

func (d duplex) Write([]byte) (int, error) {
	select {
	case <-d.broken:
		return 0, errBroken
	case <-d.closed:
		return 0, net.ErrClosed
	}
}

// Bytes that the socket gave before it broke reach the page before the error.
func TestErrorIsBehindTheLastBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sock := newScript()
		slow := make(chan struct{})
		sock.hold = func(op wire.Op) {
			if op == wire.OpData {
				<-slow
			}
		}
		s := newSession(&Bridge{}, nil, sock)
		defer s.stop()
		conn, peer := newDuplex()
		st := newStream(s, 1, wire.Dial{Window: wire.Window})
		st.release = func() {}
		st.join(conn)
		s.work.Go(st.carry)
		if err := st.handle(wire.OpData, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(peer, "last"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the bytes are on their way to a page that is slow
		close(conn.broken)
		synctest.Wait()
		close(slow)
		s.work.Wait()
		want := []string{fmt.Sprint(wire.OpData, " 1"), fmt.Sprint(wire.OpError, " 1"), fmt.Sprint(wire.OpClosed, " 1")}
		if got := sock.so(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A peer must not take it for an orderly end when its bytes, or bytes for it,
// are thrown away: then the socket is closed with RST, which is linger 0.
func TestWhatIsLostResets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sent  []string // by the page
		came  string
		op    wire.Op
		body  wire.Count
		reset bool
	}{
		{"closed at once", nil, "", wire.OpClose, 0, false},
		{"closed, all read", nil, "abc", wire.OpClose, 3, false},
		{"closed, some unread", nil, "abc", wire.OpClose, 2, true},
		{"closed, none read", nil, "abc", wire.OpClose, 0, true},
		{"closed, a message with the kernel", []string{"x"}, "", wire.OpClose, 0, true},
		{"closed, one behind it", []string{"x", "y"}, "", wire.OpClose, 0, true},
		{"reset", nil, "", wire.OpReset, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSession(&Bridge{}, nil, newScript())
				defer s.stop()
				conn, peer := newDuplex()
				*conn.linger = -1
				st := newStream(s, 1, wire.Dial{Window: wire.Window})
				st.release = func() {}
				st.join(tap.Client(conn, 1, tap.Now(), func(wire.Event) {}))
				s.work.Go(st.carry)
				for _, msg := range tt.sent {
					if err := st.handle(wire.OpData, []byte(msg)); err != nil {
						t.Fatal(err)
					}
				}
				if tt.came != "" {
					if _, err := io.WriteString(peer, tt.came); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				_, _, rest, err := wire.ParseHead(wire.Append(nil, tt.op, 1, &tt.body))
				if err != nil {
					t.Fatal(err)
				}
				if err := st.handle(tt.op, rest); err != nil {
					t.Fatal(err)
				}
				s.work.Wait()
				if got := *conn.linger == 0; got != tt.reset {
					t.Errorf("reset %v, want %v", got, tt.reset)
				}
			})
		})
	}
}

// Options that come while a dial is under way are kept, but not without end.
func TestOptionsThatWaitAreBounded(t *testing.T) {
	s := newSession(&Bridge{}, nil, newScript())
	defer s.stop()
	st := newStream(s, 1, wire.Dial{Options: []wire.Option{{Name: wire.OptionNoDelay, Value: 1}}})
	st.option(wire.Option{Name: wire.OptionKeepAlive, Value: 1})
	for i := range 1000 {
		st.option(wire.Option{Name: wire.OptionName(i%40 + 100)})
	}
	st.option(wire.Option{Name: wire.OptionNoDelay, Value: 0})
	got := st.waits
	if len(got) > 16 || !slices.Contains(got, wire.Option{Name: wire.OptionNoDelay}) || !slices.Contains(got, wire.Option{Name: wire.OptionKeepAlive, Value: 1}) {
		t.Errorf("kept %v, want at most 16 with the two that are known", got)
	}
}

// The window counts what the kernel has not taken, and not a byte more.
func TestWindowIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSession(&Bridge{}, nil, newScript())
		defer s.stop()
		conn, _ := newDuplex()
		st := newStream(s, 1, wire.Dial{})
		st.release = func() {}
		st.join(conn)
		s.work.Go(st.carry)
		chunk := make([]byte, wire.Window/8)
		for range 8 {
			if err := st.handle(wire.OpData, chunk); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first is with the kernel, which takes nothing
		}
		if err := st.handle(wire.OpData, nil); err != nil {
			t.Errorf("nothing behind a full window: %v", err)
		}
		if err := st.handle(wire.OpData, []byte("x")); err == nil {
			t.Error("a byte beyond the window: no error")
		}
		st.end(wire.ReasonGone)
		s.work.Wait()
	})
}
