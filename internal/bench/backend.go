//go:build linux

package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// backend is the TCP server behind a peer, on loopback. It serves each
// connection with one function, and ends them all when it is closed.
type backend struct {
	addr  string
	l     net.Listener
	serve func(*net.TCPConn) error
	wg    sync.WaitGroup

	mu     sync.Mutex
	conns  map[*net.TCPConn]bool // nil once closed
	failed error                 // the first error that was not the end of a connection
}

func newBackend(serve func(*net.TCPConn) error) (*backend, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &backend{addr: l.Addr().String(), l: l, serve: serve, conns: map[*net.TCPConn]bool{}}
	b.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if tcp := c.(*net.TCPConn); b.enter(tcp) {
				b.wg.Go(func() { b.leave(tcp, b.serve(tcp)) })
			}
		}
	})
	return b, nil
}

func (b *backend) enter(c *net.TCPConn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conns == nil {
		_ = c.Close()
		return false
	}
	b.conns[c] = true
	return true
}

func (b *backend) leave(c *net.TCPConn, err error) {
	_ = c.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
	// How a connection ends is for the client to judge; here only bytes are.
	if _, ok := errors.AsType[net.Error](err); !ok && !errors.Is(err, io.EOF) && b.failed == nil {
		b.failed = err
	}
}

// close ends all connections and says whether any of them got wrong bytes.
func (b *backend) close() error {
	_ = b.l.Close()
	b.mu.Lock()
	for c := range b.conns {
		_ = c.Close()
	}
	b.conns = nil
	b.mu.Unlock()
	b.wg.Wait()
	return b.failed
}

// echo sends back what comes.
func echo(c *net.TCPConn) error {
	b := make([]byte, 32<<10)
	for {
		n, err := c.Read(b)
		if n > 0 {
			if _, err := c.Write(b[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// source pours the pattern, until it is stopped or the connection ends.
type source struct {
	pattern *pattern
	rate    float64       // bytes a second; if zero, as much as goes
	begin   chan struct{} // it waits until this is closed
	stop    atomic.Bool
	sent    atomic.Uint64
	done    chan struct{} // closed when it sends no more
}

func newSource(p *pattern, rate float64) *source {
	return &source{pattern: p, rate: rate, begin: make(chan struct{}), done: make(chan struct{})}
}

// serve is for one connection alone.
func (s *source) serve(c *net.TCPConn) error {
	var one [1]byte
	gone := make(chan error, 1)
	go func() { // it has no other way to see the client leave before it begins
		_, err := c.Read(one[:])
		gone <- err
	}()
	select {
	case <-s.begin:
	case err := <-gone:
		return err
	}
	err := pace(s.rate, maxChunk, s.stop.Load, func() error {
		n, err := c.Write(s.pattern.at(s.sent.Load(), maxChunk))
		s.sent.Add(uint64(n))
		return err
	})
	close(s.done)
	if err != nil {
		return err
	}
	return <-gone
}

// pace calls send, which sends n bytes, so often that they make the rate, until
// it is over. Time lost while send blocked is not made up for.
func pace(rate float64, n int, over func() bool, send func() error) error {
	next := time.Now()
	for !over() {
		if err := send(); err != nil {
			return err
		}
		if rate == 0 {
			continue
		}
		next = next.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if wait := time.Until(next); wait > time.Millisecond {
			<-time.After(wait)
		} else if wait < -10*time.Millisecond {
			next = time.Now()
		}
	}
	return nil
}

// sink reads and checks what comes, unless it is told to hold.
type sink struct {
	pattern *pattern
	got     atomic.Uint64
	mu      sync.Mutex // held, it reads nothing
}

func (s *sink) serve(c *net.TCPConn) error {
	b := make([]byte, maxChunk)
	for {
		n, err := s.read(c, b)
		if n > 0 {
			if err := s.pattern.check(s.got.Load(), b[:n]); err != nil {
				return err
			}
			s.got.Add(uint64(n))
		}
		if err != nil {
			return err
		}
	}
}

func (s *sink) read(c *net.TCPConn, b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.Read(b)
}
