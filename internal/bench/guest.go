//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"porthole/tcpserver/greeter"
)

// guest is a session of a soak, with one stream to the greeter.
type guest struct {
	link link
	st   *stream
	took []time.Duration // each of its messages, there and back, while it worked
}

// admit opens the i-th session and greets once: every other one is raw.
func (s *soak) admit(i int) (*guest, error) {
	speaks := speaksRaw
	if i%2 == 1 {
		speaks = speaksV1
	}
	g := &guest{}
	var err error
	if g.link, g.st, err = s.openTo(s.greeter.addr, speaks, smallBuffer); err != nil {
		return nil, err
	}
	g.st.greeting = []byte(greeter.DefaultGreeting)
	if v1, ok := g.link.(*session); ok {
		v1.leaves = true
	}
	return g, burst(g.link, g.st, small, 1)
}

// idle does nothing but to answer pings, until its deadline.
func (g *guest) idle() error {
	unasked := false
	for !unasked {
		err := g.link.read(func(*stream, int) { unasked = true })
		if err != nil {
			return err
		}
	}
	return errors.New("bytes came that no one asked for")
}

// work greets until stop, one message after the other.
func (g *guest) work(stop func() bool) error {
	e := &echoer{link: g.link, streams: []*stream{g.st}, size: small, depth: 1}
	asked := time.Now()
	return e.run(func() bool {
		if now := time.Now(); e.done.Load() > uint64(len(g.took)) {
			g.took = append(g.took, now.Sub(asked))
			asked = now
		}
		return stop()
	})
}

// stay is work or idleness for as long as there is no stop, or until the gateway
// leaves: then that must be said, of the stream first, and nothing behind it.
func (g *guest) stay(works bool, stop, leaving *atomic.Bool) error {
	var err error
	if works {
		err = g.work(stop.Load)
	} else if err = g.idle(); stop.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if !leaving.Load() {
		return err
	}
	if closed, ok := errors.AsType[closedError](err); !ok || closed.code != 1001 {
		return fmt.Errorf("got %w, want a close with 1001", cmp.Or(err, errors.New("nothing")))
	}
	if g.st.open {
		return errors.New("no last word on the stream")
	}
	if err := g.link.read(func(*stream, int) {}); err != io.EOF {
		return fmt.Errorf("behind the close: got %w, want the end", err)
	}
	return nil
}

// leave greets for a last time, and ends the session in order.
func (g *guest) leave(deadline time.Time) error {
	if err := g.link.readDeadline(deadline); err != nil {
		return err
	}
	if err := burst(g.link, g.st, small, 1); err != nil {
		return err
	}
	return g.link.close()
}

// glut sends and reads no answer until nothing has gone for a second: then all is
// full on the way there and back. Of that the page's own end is to hold little.
func (g *guest) glut() error {
	const little = 4 << 10
	c := g.link.(*raw).c.(*net.TCPConn)
	if err := errors.Join(c.SetReadBuffer(little), c.SetWriteBuffer(little)); err != nil {
		return err
	}
	for {
		if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		g.link.queue(g.st, upload, 1)
		if err := g.link.flush(); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
