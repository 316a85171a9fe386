package main

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"porthole/tcpserver/greeter"
	"porthole/wire"
	"porthole/wire/tap"
)

// patience bounds what a test waits for and should come at once.
const patience = 20 * time.Second

// play starts a greeter on a stage. The result ends it, and gives what Serve
// returns.
func play(t *testing.T, grace time.Duration) (s *stage, log *tap.Log, stop func() error) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log = &tap.Log{History: 1 << 16}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s = newStage(l, log.Add, nil)
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, &greeter.Server{Grace: grace}) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() { _ = stop() })
	return s, log, stop
}

// visit connects a client, which the test closes.
func visit(t *testing.T, s *stage) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	talk(t, c)
	return c
}

func talk(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len("你好x"))
	if n, err := io.ReadFull(c, buf); string(buf) != "你好x" {
		t.Fatalf("read %q, %v", buf[:n], err)
	}
}

func refused(t *testing.T, s *stage) {
	t.Helper()
	c, err := net.Dial("tcp", s.addr.String())
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want %v", err, syscall.ECONNREFUSED)
	}
}

// obeys calls a method of the stage that must not fail.
func obeys(t *testing.T, act func() error) {
	t.Helper()
	if err := act(); err != nil {
		t.Fatal(err)
	}
}

// server are the events of the server itself, in order.
func server(log *tap.Log) (events []string) {
	all := make([]wire.Event, log.Last())
	n, _ := log.Since(0, all)
	for _, e := range all[:n] {
		if e.Listener() {
			events = append(events, e.Kind.String())
		}
	}
	return events
}

func expectServer(t *testing.T, log *tap.Log, want ...string) {
	t.Helper()
	if got := server(log); !slices.Equal(got, want) {
		t.Errorf("the server tells %q, want %q", got, want)
	}
}

// It closes and listens as often as one likes, and no open connection minds.
func TestStageClosesAndListens(t *testing.T) {
	const times = 20
	s, log, stop := play(t, patience)
	conns := []net.Conn{visit(t, s)}
	want := []string{"listening"}
	for range times {
		obeys(t, s.Close)
		obeys(t, s.Close) // it is closed
		refused(t, s)
		for _, c := range conns {
			talk(t, c)
		}
		obeys(t, s.Listen)
		obeys(t, s.Listen) // it does
		conns = append(conns, visit(t, s))
		want = append(want, "close()", "listening")
	}
	expectServer(t, log, want...)
	obeys(t, s.Close)
	for _, c := range conns {
		_ = c.Close()
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	expectServer(t, log, append(want, "close()", "close")...)
	refused(t, s)
	obeys(t, s.Listen) // it is over
	refused(t, s)
}

// An end finds it in any state, and is no longer than the grace.
func TestStageEnds(t *testing.T) {
	const grace = 50 * time.Millisecond
	tests := []struct {
		name  string
		steer func(t *testing.T, s *stage)
		want  []string
	}{
		{"listening", func(*testing.T, *stage) {}, []string{"listening", "close()", "close"}},
		{"closed", func(t *testing.T, s *stage) { obeys(t, s.Close) }, []string{"listening", "close()", "close"}},
		{"listening again", func(t *testing.T, s *stage) { obeys(t, s.Close); obeys(t, s.Listen) },
			[]string{"listening", "close()", "listening", "close()", "close"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, log, stop := play(t, grace)
			visit(t, s)
			tt.steer(t, s)
			start := time.Now()
			err := stop()
			if cut, ok := errors.AsType[*greeter.CutError](err); !ok || cut.Conns != 1 {
				t.Errorf("Serve: %v, want 1 cut", err)
			}
			if took := time.Since(start); took < grace || took > grace+5*time.Second {
				t.Errorf("it took %v, want the grace of %v", took, grace)
			}
			expectServer(t, log, tt.want...)
		})
	}
}

// That someone else has taken the address is an error of the server, which can
// try again.
func TestStageWhoseAddressIsTaken(t *testing.T) {
	s, log, _ := play(t, patience)
	obeys(t, s.Close)
	other, err := net.Listen("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen: %v, want %v", err, syscall.EADDRINUSE)
	}
	_ = other.Close()
	obeys(t, s.Listen)
	_ = visit(t, s).Close()
	all := make([]wire.Event, 9)
	n, _ := log.Since(0, all)
	i := slices.IndexFunc(all[:n], func(e wire.Event) bool { return e.Kind == wire.Error })
	if i < 0 {
		t.Fatalf("no error among %q", server(log))
	}
	if e := all[i]; e.Code != "EADDRINUSE" || e.Syscall != "listen" || e.Local != s.addr.String() || !e.Listener() {
		t.Errorf("the error is %+v", e)
	}
}

// Pages that close and listen at the same time, while clients come and go.
func TestStageWithManyHands(t *testing.T) {
	s, log, stop := play(t, patience)
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			for range 50 {
				_ = s.Close()
				_ = s.Listen()
			}
		})
		busy.Go(func() {
			for range 50 {
				if c, err := net.Dial("tcp", s.addr.String()); err == nil {
					_, _ = io.WriteString(c, "x")
					_ = c.Close()
				}
			}
		})
	}
	busy.Wait()
	obeys(t, s.Listen)
	_ = visit(t, s).Close()
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	up := 0
	for i, e := range server(log) {
		switch e {
		case "listening":
			up++
		case "close()":
			up--
		case "close":
			if up != 0 {
				t.Errorf("event %d: close, while it listens", i)
			}
		}
		if up < 0 || up > 1 {
			t.Fatalf("event %d: %d listen", i, up)
		}
	}
	if events := server(log); events[len(events)-1] != "close" {
		t.Errorf("last comes %s, want close", events[len(events)-1])
	}
}
