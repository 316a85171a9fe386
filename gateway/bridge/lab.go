package bridge

import (
	"context"
	"sync"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// Server is the server at the other end of a bridge's streams, where it runs in
// the same process and pages may steer it. What it then does is told as events,
// not to the bridge; errors are for the log.
type Server interface {
	// Conn finds the server's end of the connection whose client has the
	// address client. It waits until the server has accepted it or ctx ends,
	// and then returns nil. The server still owns and closes it.
	Conn(ctx context.Context, client string) *tap.Conn
	// Close stops listening, if it listens. Open connections go on.
	Close() error
	// Listen listens again on the same address, unless it does.
	Listen() error
}

const (
	// maxOrders bounds what a page may tell the server and is not done yet.
	maxOrders = 256
	// acceptWait is how long a server may take to accept a connection that its
	// client has already; a busy machine takes its time.
	acceptWait = 5 * time.Second
)

// order is a lab message that is to be carried out.
type order struct {
	st  *stream // nil: it is for the server
	lab wire.Lab
}

// steer takes a lab message. Its order is carried out by the session's obey, for
// a server may take its time and the session's reader never waits.
func (s *session) steer(id uint64, rest []byte) error {
	o := order{}
	if err := wire.Parse(rest, &o.lab); err != nil {
		return err
	}
	switch v := o.lab.Verb; {
	case v == wire.LabClose, v == wire.LabListen:
		if id != 0 {
			return nil // a connection has no such thing
		}
		if s.b.Server == nil || !s.b.Open { // everyone's server is not one page's to close
			s.b.count("server")
			return nil
		}
	case v >= wire.LabPause && v <= wire.LabReset:
		if id == 0 {
			return nil
		}
		st, err := s.stream(id)
		if st == nil || err != nil {
			return err
		}
		if s.b.Server == nil {
			s.b.count("lab")
			return nil
		}
		o.st = st
	default:
		return nil // a verb of a later version
	}
	s.enqueue(o)
	return nil
}

// enqueue keeps an order for obey; beyond maxOrders it is refused. Only the
// session's reader calls it.
func (s *session) enqueue(o order) {
	if s.orders == nil {
		s.orders = make(chan order, maxOrders)
		s.spawn(s.obey)
	}
	if o.st != nil {
		o.st.ordered(1)
	}
	select {
	case s.orders <- o:
	default:
		s.b.count("lab")
		if o.st != nil {
			o.st.ordered(-1)
		}
	}
}

// obey carries out the page's orders, one after the other, until the session
// ends.
func (s *session) obey() {
	for {
		select {
		case o := <-s.orders:
			if o.st == nil {
				s.command(o.lab.Verb)
				continue
			}
			o.st.steer(o.lab)
			o.st.ordered(-1)
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *session) command(v wire.Verb) {
	act := s.b.Server.Close
	if v == wire.LabListen {
		act = s.b.Server.Listen
	}
	if err := act(); err != nil {
		s.b.logger().Warn("the server does not obey", "verb", v.String(), "error", err)
	}
}

// far is the server's end of a stream's connection, as the page steers and
// watches it. It is the server's own: the bridge never closes it but by order.
type far struct {
	mu     sync.Mutex
	found  chan struct{} // closed when conn is, or was sought in vain; nil before connected
	conn   *tap.Conn     // nil if the server has none
	ending bool          // end was ordered
	over   bool          // the stream has ended
	told   wire.Kernels  // what the page knows
}

// seek begins to look for the server's end of a connection with the addresses
// local and remote. It does so as soon as there is one: an address may be
// another's once its connection is gone.
func (st *stream) seek(local, remote string) {
	if st.s.b.Server == nil {
		return
	}
	f := &st.far
	found := make(chan struct{})
	f.mu.Lock()
	f.found = found
	f.mu.Unlock()
	st.s.work.Go(func() {
		defer close(found)
		ctx, cancel := context.WithTimeout(st.s.ctx, acceptWait)
		defer cancel()
		c := st.s.b.Server.Conn(ctx, local)
		if c == nil || c.LocalAddr().String() != remote || c.RemoteAddr().String() != local {
			return // the stream leads to another server
		}
		st.mu.Lock()
		lives := st.reason == 0 // while it does, its addresses are its own
		st.mu.Unlock()
		f.mu.Lock()
		defer f.mu.Unlock()
		if lives {
			f.conn = c
		}
	})
}

// steer carries out an order on the server's end. An order that came before the
// stream was connected, or behind its end, is for no one.
func (st *stream) steer(l wire.Lab) {
	f := &st.far
	f.mu.Lock()
	found := f.found
	f.mu.Unlock()
	if found == nil {
		return
	}
	<-found
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn == nil || f.over {
		return
	}
	switch l.Verb {
	case wire.LabPause:
		f.conn.Pause()
	case wire.LabResume:
		f.conn.Resume()
	case wire.LabLimit:
		f.conn.Limit(int(min(l.Value, wire.Window)))
	case wire.LabEnd:
		if c := f.conn; !f.ending { // FIN is sent once
			f.ending = true
			st.s.work.Go(func() { _ = c.CloseWrite() }) // it waits for the write that the server is at
		}
	case wire.LabReset:
		_ = f.conn.Reset()
	}
}

// release lets the server's end go, when the stream has ended: if it is paused
// no one else would resume it, and it would never learn that its client is gone.
func (f *far) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.conn != nil {
		f.conn.Resume()
	}
}

// ordered counts the orders that are not carried out yet: what the page sends
// behind one reaches the socket behind it.
func (st *stream) ordered(n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.orders += n
	st.rise()
}
