package greeter_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"porthole/tcpserver/greeter"
)

// bubble runs f where time passes only when everything waits.
func bubble(t *testing.T, s *greeter.Server, f func(t *testing.T, l *pipes, stop func() error)) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		f(t, l, serve(t, s, l))
	})
}

func TestSilentClientIsClosedWhenIdle(t *testing.T) {
	bubble(t, &greeter.Server{Idle: time.Minute}, func(t *testing.T, l *pipes, _ func() error) {
		start := time.Now()
		c := l.dial()
		defer c.Close()
		for range 5 { // talking keeps it open
			<-time.After(59 * time.Second)
			send(t, c, "x")
			expect(t, c, "你好x")
		}
		expectEOF(t, c)
		if got, want := time.Since(start), 5*59*time.Second+time.Minute; got != want {
			t.Errorf("closed after %v, want %v", got, want)
		}
	})
}

func TestSilentClientIsKeptWithoutIdle(t *testing.T) {
	bubble(t, &greeter.Server{}, func(t *testing.T, l *pipes, _ func() error) {
		c := l.dial()
		defer c.Close()
		<-time.After(1000 * time.Hour)
		send(t, c, "x")
		expect(t, c, "你好x")
	})
}

func TestClientThatTakesNothingIsClosedWhenIdle(t *testing.T) {
	bubble(t, &greeter.Server{Idle: time.Minute}, func(t *testing.T, l *pipes, _ func() error) {
		c := l.dial()
		defer c.Close()
		start := time.Now()
		send(t, c, "x")
		_, err := io.WriteString(c, "y") // read by no one, for the answer to x blocks
		if got := time.Since(start); err != io.ErrClosedPipe || got != time.Minute {
			t.Errorf("closed after %v with %v, want a minute", got, err)
		}
	})
}

// What a client sends beyond one read stays with it until it has its answer.
func TestOneReadIsBuffered(t *testing.T) {
	bubble(t, &greeter.Server{}, func(t *testing.T, l *pipes, _ func() error) {
		c := l.dial()
		defer c.Close()
		_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
		n, err := c.Write(make([]byte, 3*greeter.ReadSize))
		if n != greeter.ReadSize || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the server has taken %d bytes (%v), want %d", n, err, greeter.ReadSize)
		}
	})
}

func TestGrace(t *testing.T) {
	const grace = 5 * time.Second
	talk := func(t *testing.T, c net.Conn, n int) {
		for range n {
			<-time.After(time.Second)
			send(t, c, "x")
			expect(t, c, "你好x")
		}
	}
	tests := []struct {
		name   string
		grace  time.Duration
		client func(t *testing.T, c net.Conn) // from the end of the context on
		cut    int
		took   time.Duration
	}{
		{"ends by itself", grace, func(t *testing.T, c net.Conn) { talk(t, c, 3); _ = c.Close() }, 0, 3 * time.Second},
		{"silent", grace, func(t *testing.T, c net.Conn) { expectEOF(t, c) }, 1, grace},
		{"talks on", grace, func(t *testing.T, c net.Conn) { talk(t, c, 4); expectEOF(t, c) }, 1, grace},
		{"no grace", 0, func(t *testing.T, c net.Conn) { expectEOF(t, c) }, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, &greeter.Server{Grace: tt.grace}, func(t *testing.T, l *pipes, stop func() error) {
				c := l.dial()
				defer c.Close()
				start := time.Now()
				done := make(chan error)
				go func() { done <- stop() }()
				tt.client(t, c)
				var got int
				err := <-done
				if cut, ok := errors.AsType[*greeter.CutError](err); ok {
					got = cut.Conns
				} else if err != nil {
					t.Errorf("Serve: %v", err)
				}
				if got != tt.cut {
					t.Errorf("%d were cut (%v), want %d", got, err, tt.cut)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestCutErrorCounts(t *testing.T) {
	for conns, want := range map[int]string{1: "1 connection was cut", 3: "3 connections were cut"} {
		if got := (&greeter.CutError{Conns: conns}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// acceptError is what the net package makes of a failed accept(2).
func acceptError(errno syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", errno)}
}

func TestAcceptSurvives(t *testing.T) {
	many := make([]error, 12)
	for i := range many {
		many[i] = acceptError(syscall.EMFILE)
	}
	tests := []struct {
		name string
		errs []error
		wait time.Duration
	}{
		{"EMFILE", []error{acceptError(syscall.EMFILE)}, 5 * time.Millisecond},
		{"ENFILE", []error{acceptError(syscall.ENFILE)}, 5 * time.Millisecond},
		{"ECONNABORTED", []error{acceptError(syscall.ECONNABORTED)}, 5 * time.Millisecond},
		{"ENOBUFS", []error{acceptError(syscall.ENOBUFS)}, 5 * time.Millisecond},
		{"ENOMEM", []error{acceptError(syscall.ENOMEM)}, 5 * time.Millisecond},
		{"wait doubles", many[:3], 35 * time.Millisecond},
		{"wait is at most a second", many, 1275*time.Millisecond + 4*time.Second}, // 5 ms … 640 ms, then 1 s
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, &greeter.Server{}, func(t *testing.T, l *pipes, _ func() error) {
				start := time.Now()
				for _, err := range tt.errs {
					l.fail(err)
				}
				c := l.dial()
				if got := time.Since(start); got != tt.wait {
					t.Errorf("accepted after %v, want %v", got, tt.wait)
				}
				send(t, c, "x")
				expect(t, c, "你好x")
				_ = c.Close()
			})
		})
	}
}

func TestWaitStartsAnewAfterAccept(t *testing.T) {
	bubble(t, &greeter.Server{}, func(t *testing.T, l *pipes, _ func() error) {
		for range 3 {
			l.fail(acceptError(syscall.EMFILE))
			start := time.Now()
			_ = l.dial().Close()
			if got, want := time.Since(start), 5*time.Millisecond; got != want {
				t.Errorf("waited %v, want %v", got, want)
			}
		}
	})
}

func TestEndWhileAcceptWaits(t *testing.T) {
	bubble(t, &greeter.Server{}, func(t *testing.T, l *pipes, stop func() error) {
		l.fail(acceptError(syscall.EMFILE))
		start := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAcceptFailsForGood(t *testing.T) {
	for _, want := range []error{acceptError(syscall.EBADF), net.ErrClosed, errors.New("broken")} {
		synctest.Test(t, func(t *testing.T) {
			l := newPipes()
			server := &greeter.Server{Grace: time.Second}
			done := make(chan error)
			go func() { done <- server.Serve(t.Context(), l) }()
			open := l.dial()
			l.fail(want)
			start := time.Now()
			expectEOF(t, open)
			if err := <-done; err != want {
				t.Errorf("Serve: %v, want %v", err, want)
			}
			if took := time.Since(start); took != server.Grace {
				t.Errorf("it took %v, want the grace", took)
			}
			select {
			case <-l.closed:
			default:
				t.Error("the listener is still open")
			}
		})
	}
}
