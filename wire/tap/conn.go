package tap

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"porthole/wire"
)

// Conn is a net.Conn that reports what it does, and whose reads someone beside
// its program may steer. It has the half-close and the SyscallConn of the
// connection within, and answers errors.ErrUnsupported where that one has none.
type Conn struct {
	net.Conn
	base    wire.Event // what all events of this connection share
	emit    Emit
	kernel  sampler
	ended   func() // after close, once; may be nil
	gate    gate
	in, out half
	failed  atomic.Bool // an error was reported
	closing atomic.Bool
}

// half is one direction. Its mutex orders the calls, as the descriptor's own
// lock does, so that offsets are those of the stream.
type half struct {
	sync.Mutex
	offset   uint64
	finished atomic.Bool // FIN has come, or gone
}

// Client wraps the dialled end of a connection and reports connect, which took
// from start until now. conn is the number that its events carry.
func Client(c net.Conn, conn uint64, start int64, emit Emit) *Conn {
	t := newConn(c, wire.Client, conn, emit)
	t.tell(wire.Connect, start)
	return t
}

func newConn(c net.Conn, side wire.Side, conn uint64, emit Emit) *Conn {
	base := wire.Event{Side: side, Conn: conn, Local: c.LocalAddr().String(), Remote: c.RemoteAddr().String()}
	t := &Conn{Conn: c, base: base, emit: emit}
	t.kernel.init(c)
	return t
}

// Read reports data, end, timeout or error.
func (c *Conn) Read(p []byte) (int, error) {
	p, err := c.ReadBy(func(limit int) ([]byte, error) {
		room := p
		if limit > 0 && limit < len(p) {
			room = p[:limit]
		}
		n, err := c.Conn.Read(room)
		return room[:n], err
	})
	return len(p), err
}

// ReadBy is Read for a program that reads the connection within itself, because
// it has no buffer until there are bytes. read makes one read, of at most limit
// bytes unless that is 0, and returns what it took; it may be called again when
// it took nothing.
func (c *Conn) ReadBy(read func(limit int) ([]byte, error)) ([]byte, error) {
	c.in.Lock()
	defer c.in.Unlock()
	start := Now()
	p, err := c.receive(read)
	if len(p) > 0 {
		c.moved(wire.Data, &c.in, p, start)
	}
	switch {
	case err == io.EOF:
		if c.in.finished.CompareAndSwap(false, true) {
			c.tell(wire.End, start)
		}
	case err != nil:
		c.broke("read", err, start)
	}
	return p, err
}

// Write reports the call, with the bytes that the kernel took.
func (c *Conn) Write(p []byte) (int, error) {
	return c.WriteBy(p, func() (int, error) { return c.Conn.Write(p) })
}

// WriteBy is Write for a program that writes to the connection within itself,
// because it would not wait. write makes one write, of p or its beginning. If
// the kernel took nothing of it, nothing is reported.
func (c *Conn) WriteBy(p []byte, write func() (int, error)) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	start := Now()
	n, err := write()
	if n > 0 {
		c.moved(wire.CallWrite, &c.out, p[:n], start)
	}
	if err != nil {
		c.broke("write", err, start)
	}
	return n, err
}

// CloseWrite sends FIN behind what was written and reports end().
func (c *Conn) CloseWrite() error {
	w, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	c.out.Lock()
	defer c.out.Unlock()
	start := Now()
	err := w.CloseWrite()
	if err == nil && c.out.finished.CompareAndSwap(false, true) {
		c.tell(wire.CallEnd, start)
	}
	return err
}

// CloseRead discards what comes from now on.
func (c *Conn) CloseRead() error {
	if r, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return r.CloseRead()
	}
	return errors.ErrUnsupported
}

// Close closes both directions. It reports destroy() if it cuts either short,
// and then close, which is the connection's last event.
func (c *Conn) Close() error {
	return c.close(wire.CallDestroy)
}

// Reset closes with RST: what is under way either way is lost (SO_LINGER 0). A
// Unix socket knows no RST and is closed.
func (c *Conn) Reset() error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok && !c.closing.Load() {
		_ = l.SetLinger(0) // an error means that it is closed already
	}
	return c.close(wire.CallReset)
}

func (c *Conn) close(call wire.Kind) error {
	if !c.closing.CompareAndSwap(false, true) {
		return c.Conn.Close()
	}
	start := Now()
	last := c.kernel.sample()
	err := c.Conn.Close()
	c.gate.change(func(g *gate) { g.closed = true })
	// The calls that were waiting return now; theirs are not the last events.
	c.in.Lock()
	defer c.in.Unlock()
	c.out.Lock()
	defer c.out.Unlock()
	over := c.failed.Load() || c.in.finished.Load() && c.out.finished.Load()
	if call == wire.CallReset || !over {
		e := c.event(call, start)
		e.Kernel = last
		c.emit(e)
	}
	e := c.event(wire.Close, start)
	e.HadError = c.failed.Load()
	c.emit(e)
	if c.ended != nil {
		c.ended()
	}
	return err
}

// Drained reports drain: what waited behind the kernel for this socket is all
// taken. Only the program that kept it waiting knows.
func (c *Conn) Drained() {
	c.out.Lock()
	defer c.out.Unlock()
	if !c.closing.Load() {
		c.tell(wire.Drain, Now())
	}
}

// Kernel is what the kernel says of the socket now. A closed one says nothing.
func (c *Conn) Kernel() wire.Kernel { return c.kernel.sample() }

// Number is the one that the connection's events carry.
func (c *Conn) Number() uint64 { return c.base.Conn }

// SyscallConn gives the descriptor of the connection within.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// event starts an event whose call began at start and returns now.
func (c *Conn) event(k wire.Kind, start int64) wire.Event {
	e := c.base
	e.Kind, e.Start, e.Return = k, start, Now()
	return e
}

func (c *Conn) tell(k wire.Kind, start int64) {
	e := c.event(k, start)
	e.Kernel = c.kernel.sample()
	c.emit(e)
}

func (c *Conn) moved(k wire.Kind, h *half, p []byte, start int64) {
	e := c.event(k, start)
	e.From, e.To = h.offset, h.offset+uint64(len(p))
	e.Data = p[:min(len(p), wire.MaxCopy)]
	e.Kernel = c.kernel.sample()
	h.offset = e.To
	c.emit(e)
}

// broke reports an error of the socket. Our own Close is none, and a deadline
// leaves the socket whole.
func (c *Conn) broke(call string, err error, start int64) {
	switch {
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.tell(wire.Timeout, start)
	case c.failed.CompareAndSwap(false, true):
		e := c.event(wire.Error, start)
		e.Code, _ = Errno(err)
		e.Syscall = Syscall(err, call)
		e.Kernel = c.kernel.sample()
		c.emit(e)
	}
}
