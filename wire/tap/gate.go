package tap

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"porthole/wire"
)

// gate stands between Read and the kernel. While it is shut no Read takes
// bytes: one that waits for some is called back, by a deadline that has passed.
// So the program's own deadline is kept here, and set again with the gate open.
type gate struct {
	steer  sync.Mutex // orders Pause, Resume and Limit, and what they report
	paused bool       // guarded by steer

	mu       sync.Mutex
	shut     bool
	closed   bool          // the connection is: its Reads have nothing to wait for
	turn     uint64        // how often it was shut
	limit    int           // bytes for one Read, 0 for any number
	deadline time.Time     // the program's, for Reads
	changed  chan struct{} // closed by the next change; nil if no one waits
}

// past is a deadline that calls a Read back.
var past = time.Unix(1, 0)

// Pause lets no Read take bytes from the kernel, or see the end, until Resume,
// and reports pause(). A Read that waits goes on waiting: for Resume, for its
// deadline, or for Close. When Pause returns, none is taking any more.
func (c *Conn) Pause() {
	c.gate.steer.Lock()
	defer c.gate.steer.Unlock()
	if c.gate.paused {
		return
	}
	c.gate.paused = true
	c.hold()
	defer c.in.Unlock()
	c.call(wire.CallPause)
}

// Resume ends Pause and reports resume().
func (c *Conn) Resume() {
	c.gate.steer.Lock()
	defer c.gate.steer.Unlock()
	if !c.gate.paused {
		return
	}
	c.gate.paused = false
	c.in.Lock()
	defer c.in.Unlock()
	c.call(wire.CallResume)
	c.release()
}

// Limit lets a Read take n bytes at most, also one that waits already; 0 ends
// that.
func (c *Conn) Limit(n int) {
	c.gate.steer.Lock()
	defer c.gate.steer.Unlock()
	c.hold()
	defer c.in.Unlock()
	c.gate.change(func(g *gate) { g.limit = max(n, 0) })
	if !c.gate.paused {
		c.release()
	}
}

// SetDeadline is net.Conn's; a Read keeps to it while the connection is paused.
func (c *Conn) SetDeadline(t time.Time) (err error) {
	c.gate.change(func(g *gate) {
		g.deadline = t
		if g.shut {
			err = c.Conn.SetWriteDeadline(t)
		} else {
			err = c.Conn.SetDeadline(t)
		}
	})
	return err
}

// SetReadDeadline is net.Conn's; a Read keeps to it while the connection is
// paused.
func (c *Conn) SetReadDeadline(t time.Time) (err error) {
	c.gate.change(func(g *gate) {
		g.deadline = t
		if g.shut {
			t = past // it stays, and an error of the connection shows
		}
		err = c.Conn.SetReadDeadline(t)
	})
	return err
}

// call reports a call that steers Reads, but nothing behind close. c.in is held.
func (c *Conn) call(k wire.Kind) {
	if !c.closing.Load() {
		c.tell(k, Now())
	}
}

// hold shuts the gate and returns with c.in held, when no Read is inside.
func (c *Conn) hold() {
	c.gate.change(func(g *gate) {
		g.shut = true
		g.turn++
		_ = c.Conn.SetReadDeadline(past) // an error means that it is closed
	})
	c.in.Lock()
}

// release opens the gate.
func (c *Conn) release() {
	c.gate.change(func(g *gate) {
		g.shut = false
		_ = c.Conn.SetReadDeadline(g.deadline) // an error means that it is closed
	})
}

// receive is one read of the kernel, through the gate. c.in is held, but not
// while it waits at the gate.
func (c *Conn) receive(read func(limit int) ([]byte, error)) ([]byte, error) {
	for {
		now := c.gate.look()
		if now.shut && !now.closed {
			c.in.Unlock()
			late := now.wait()
			c.in.Lock()
			if late {
				local := c.Conn.LocalAddr()
				return nil, &net.OpError{Op: "read", Net: local.Network(), Source: local, Addr: c.Conn.RemoteAddr(), Err: os.ErrDeadlineExceeded}
			}
			continue
		}
		p, err := read(now.limit)
		if len(p) == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.gate.turnedSince(now.turn) {
			continue // it was called back; whether it is late as well, the next look tells
		}
		return p, err
	}
}

// view is what a Read saw of the gate.
type view struct {
	shut, closed bool
	turn         uint64
	limit        int
	deadline     time.Time
	changed      <-chan struct{}
}

func (g *gate) look() view {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut && g.changed == nil {
		g.changed = make(chan struct{})
	}
	return view{g.shut, g.closed, g.turn, g.limit, g.deadline, g.changed}
}

// wait waits for a change, or is late: the deadline was first.
func (v view) wait() (late bool) {
	var over <-chan time.Time
	if !v.deadline.IsZero() {
		timer := time.NewTimer(time.Until(v.deadline))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-v.changed:
		return false
	case <-over:
		return true
	}
}

func (g *gate) turnedSince(turn uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turn != turn
}

// change makes a change and wakes the Reads that wait.
func (g *gate) change(f func(*gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g)
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}
