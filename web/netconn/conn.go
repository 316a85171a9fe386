package netconn

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"porthole/web/client"
	"porthole/wire"
)

// Conn is a TCP connection, or one to a Unix socket, of the gateway's. It is a
// net.Conn, with what *net.TCPConn has beside; its caller closes it.
type Conn struct {
	s       *session
	network string
	moved   *sync.Cond // something below has changed; its mutex is the session's

	stream    *client.Stream
	connected bool
	local     net.Addr
	remote    net.Addr
	err       error // it broke, or never was
	fin       bool  // the peer has ended its side, and all of it was read
	over      bool  // the stream has ended

	closed      bool // Close was called
	readClosed  bool // CloseRead
	writeClosed bool // CloseWrite
	writing     bool // a Write is under way: another's bytes do not come between
	abort       bool // Close resets

	reads, writes deadline
}

func newConn(s *session, network string) *Conn {
	c := &Conn{s: s, network: network}
	c.moved = sync.NewCond(s.mu)
	return c
}

// await waits until the connection is there.
func (c *Conn) await(ctx context.Context, to endpoint) error {
	defer context.AfterFunc(ctx, func() {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.moved.Broadcast()
	})()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for !c.connected && c.err == nil && !c.over && ctx.Err() == nil {
		c.moved.Wait()
	}
	if c.connected && ctx.Err() == nil {
		return nil
	}
	err := c.err
	if ctx.Err() != nil {
		err = stopped(ctx)
		c.closed = true
		c.stream.Close()
	} else if err == nil {
		err = c.lost()
	}
	addr := c.remote
	if addr == nil {
		addr = to.addr()
	}
	return &net.OpError{Op: "dial", Net: to.network, Addr: addr, Err: err}
}

// lost is why a stream has ended without a word.
func (c *Conn) lost() error {
	if c.s.why != nil {
		return c.s.why
	}
	return os.NewSyscallError("read", syscall.ECONNRESET)
}

// Read reads what has come, and waits for it if there is nothing. It returns
// io.EOF when the peer has ended its side.
func (c *Conn) Read(p []byte) (int, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fail("read", net.ErrClosed)
		case c.reads.passed:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case c.readClosed:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		if n := c.stream.Read(p); n > 0 {
			return n, nil
		}
		switch {
		case c.err != nil:
			return 0, c.fail("read", c.err)
		case c.fin:
			return 0, io.EOF
		case c.over:
			return 0, c.fail("read", c.lost())
		}
		c.moved.Wait()
	}
}

// Write writes all of p, and waits for as long as neither the gateway nor the peer
// has room for more. When it fails, n bytes are on their way.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for c.writing && c.unwritable() == nil {
		c.moved.Wait()
	}
	if err := c.unwritable(); err != nil {
		return 0, c.fail("write", err)
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.moved.Broadcast()
	}()
	for {
		n += c.stream.Write(p[n:])
		if n == len(p) {
			return n, nil
		}
		c.moved.Wait()
		if err := c.unwritable(); err != nil {
			return n, c.fail("write", err)
		}
	}
}

// unwritable is why nothing can be written, nil if it can.
func (c *Conn) unwritable() error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.writes.passed:
		return os.ErrDeadlineExceeded
	case c.err != nil:
		return c.err
	case c.writeClosed:
		return os.NewSyscallError("write", syscall.EPIPE)
	case c.over:
		return c.lost()
	}
	return nil
}

func (c *Conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: c.remote, Err: err}
}

// Close ends the connection. What was written still goes to the peer, as a kernel
// sees to it, unless SetLinger(0) was called, or bytes are unread: then the peer
// sees a reset.
func (c *Conn) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.closed = true
	c.reads.stop()
	c.writes.stop()
	switch {
	case c.abort:
		c.stream.Reset()
	case c.fin && c.writeClosed || c.stream.Buffered() > 0 && !c.readClosed:
		c.stream.Close()
	default:
		c.stream.End() // and when it has: Finished
	}
	c.moved.Broadcast()
	return nil
}

// CloseWrite ends our side behind what was written: shutdown(2) with SHUT_WR.
func (c *Conn) CloseWrite() error {
	return c.change("close", func() {
		c.writeClosed = true
		c.stream.End()
		c.moved.Broadcast()
	})
}

// CloseRead makes reads return io.EOF. What the peer sends is read and forgotten:
// shutdown(2) with SHUT_RD.
func (c *Conn) CloseRead() error {
	return c.change("close", func() {
		c.readClosed = true
		c.forget()
		c.moved.Broadcast()
	})
}

// LocalAddr is the address of the gateway's socket, as its kernel tells it.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the peer's address, as the gateway's kernel tells it.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is net.Conn's.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.change("set", func() {
		c.reads.set(t, c.moved)
		c.writes.set(t, c.moved)
	})
}

// SetReadDeadline is net.Conn's.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.change("set", func() { c.reads.set(t, c.moved) })
}

// SetWriteDeadline is net.Conn's. A Write that passes it may have sent some bytes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.change("set", func() { c.writes.set(t, c.moved) })
}

// SetNoDelay sets TCP_NODELAY, which is on to begin with.
func (c *Conn) SetNoDelay(on bool) error { return c.option(wire.OptionNoDelay, toggle(on)) }

// SetKeepAlive turns SO_KEEPALIVE on, with an idle time of 15 s, or off.
func (c *Conn) SetKeepAlive(on bool) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: on})
}

// SetKeepAlivePeriod sets the idle time before the first probe.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: d})
}

// SetKeepAliveConfig turns keep-alive on or off. The gateway takes the idle time,
// which is 15 s if it is zero, and chooses the interval and the count.
func (c *Conn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	if !k.Enable {
		return c.option(wire.OptionKeepAlive, 0)
	}
	idle := k.Idle
	if idle <= 0 {
		idle = 15 * time.Second // as package net has it
	}
	return c.option(wire.OptionKeepAlive, uint64(max(idle.Milliseconds(), 1)))
}

// SetLinger with 0 makes Close reset the connection; with any other number it
// sends what was written in the background, which is how it begins.
func (c *Conn) SetLinger(seconds int) error {
	return c.change("set", func() { c.abort = seconds == 0 })
}

func toggle(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

func (c *Conn) option(n wire.OptionName, v uint64) error {
	return c.change("set", func() { c.stream.SetOption(wire.Option{Name: n, Value: v}) })
}

// change does something to a connection that is not closed.
func (c *Conn) change(op string, do func()) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closed {
		return c.fail(op, net.ErrClosed)
	}
	do()
	return nil
}

// forget reads what has come, and no one wants.
func (c *Conn) forget() {
	var b [4096]byte
	for c.stream.Read(b[:]) > 0 {
	}
}
