// Package greeter is a TCP server that answers every read with a greeting and
// the bytes read: send it 哇咔咔 and it says 你好哇咔咔.
//
//	l, err := greeter.Listen(ctx, "localhost:1234")
//	...
//	err = new(greeter.Server).Serve(ctx, l)
//
// TCP is a stream and the greeter does not hide it: two messages that arrive
// together are greeted once, and a long one, or a character, may be cut by the
// greeting in between. Anything that speaks TCP is a client, nc to begin with.
package greeter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// DefaultGreeting stands in front of each read unless told otherwise.
	DefaultGreeting = "你好"
	// ReadSize is how many bytes are read, and thus greeted, at most at once.
	ReadSize = 32 << 10
)

// Server greets. Its zero value is ready, and it may serve several listeners
// at once. Its fields must not change while it does.
type Server struct {
	// Greeting is written in front of each read. If empty, DefaultGreeting.
	Greeting string
	// Idle is how long a client may send nothing, or take nothing of what it is
	// sent, before its connection is closed. If zero, for ever.
	Idle time.Duration
	// Grace is how long open connections may go on after the context has ended
	// before they are cut. If zero, they are cut at once.
	Grace time.Duration
}

// CutError says that connections were still open when the grace was over.
type CutError struct {
	Conns int // how many; at least 1
}

func (e *CutError) Error() string {
	if e.Conns == 1 {
		return "1 connection was cut"
	}
	return fmt.Sprintf("%d connections were cut", e.Conns)
}

// Serve greets all who connect to l, and owns l: it closes it. When the context
// ends, it stops accepting and lets the open connections end by themselves,
// those that keep talking too, until the grace is over. It then returns nil, or
// a *CutError. If l fails for good, it ends in the same way and returns that
// error. A connection's error ends that connection only. Nothing that Serve
// started is left when it returns.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var clients clients
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = l.Close() // what Accept says about it is enough
	})
	err := s.accept(ctx, l, &clients)
	if stop() {
		_ = l.Close() // it has failed already
	} else {
		<-closed
		err = nil
	}
	if cut := clients.end(s.Grace); cut > 0 && err == nil {
		return &CutError{cut}
	}
	return err
}

// The wait after an Accept that may work again: doubled up to the maximum.
const (
	minWait = 5 * time.Millisecond
	maxWait = time.Second
)

// accept greets each client on its own goroutine until the context ends or l
// fails for good.
func (s *Server) accept(ctx context.Context, l net.Listener, clients *clients) error {
	wait := minWait
	for {
		c, err := l.Accept()
		if err == nil {
			wait = minWait
			clients.start(c, s.greet)
			continue
		}
		if !passing(err) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, maxWait)
	}
}

// passing tells whether an error of Accept may be gone the next time: the
// client has left already, or the system is short of descriptors or memory
// (accept(2)).
func passing(err error) bool {
	type temporary interface {
		error
		Temporary() bool
	}
	if t, ok := errors.AsType[temporary](err); ok && t.Temporary() {
		return true
	}
	for _, errno := range []syscall.Errno{syscall.ECONNABORTED, syscall.EPROTO, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// greet serves one client until it or its connection ends, and closes c. It
// holds the bytes of one read, never more: a client that does not take its
// answers is not read from either.
func (s *Server) greet(c net.Conn) {
	defer c.Close()
	greeting := s.Greeting
	if greeting == "" {
		greeting = DefaultGreeting
	}
	buf := make([]byte, len(greeting)+ReadSize)
	bytes := buf[copy(buf, greeting):]
	for {
		if s.Idle > 0 {
			_ = c.SetReadDeadline(time.Now().Add(s.Idle)) // an error is Read's as well
		}
		n, err := c.Read(bytes)
		if n > 0 {
			if s.Idle > 0 {
				_ = c.SetWriteDeadline(time.Now().Add(s.Idle))
			}
			if _, err := c.Write(buf[:len(greeting)+n]); err != nil {
				return
			}
		}
		if err == io.EOF {
			finish(c)
		}
		if err != nil {
			return
		}
	}
}

// finish answers a client's FIN with ours, so that the close that follows has
// nothing left to break off.
func finish(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite() // the close that follows is all that is left to do
	}
}

// clients are the open connections of one Serve.
type clients struct {
	running sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// start runs serve, which closes c, on a goroutine of its own.
func (cs *clients) start(c net.Conn, serve func(net.Conn)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = make(map[net.Conn]struct{})
	}
	cs.open[c] = struct{}{}
	cs.running.Go(func() {
		serve(c)
		cs.mu.Lock()
		defer cs.mu.Unlock()
		delete(cs.open, c)
	})
}

// end waits until all have ended, closes those that have not when the grace is
// over, and tells how many these were. No start may follow.
func (cs *clients) end(grace time.Duration) (cut int) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cs.running.Wait()
	}()
	over := time.NewTimer(grace)
	defer over.Stop()
	select {
	case <-ended:
	case <-over.C:
		cut = cs.cut()
	}
	<-ended
	return cut
}

func (cs *clients) cut() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		_ = c.Close() // closed already is as good
	}
	return len(cs.open)
}
