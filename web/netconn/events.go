package netconn

import (
	"porthole/wire"
)

// What follows is how a stream tells its connection what has happened. The
// session's mutex is held.

// Connected is client.StreamHandler's.
func (c *Conn) Connected(m wire.Connected) {
	c.connected = true
	c.local, c.remote = address(m.Local), address(m.Remote)
	c.moved.Broadcast()
}

// Failed is client.StreamHandler's.
func (c *Conn) Failed(f wire.Failure) { c.broke(&f) }

// Error is client.StreamHandler's.
func (c *Conn) Error(f wire.Failure) { c.broke(&f) }

func (c *Conn) broke(f *wire.Failure) {
	if c.err == nil {
		c.err = cause(f, f.Address)
	}
	c.moved.Broadcast()
}

// Readable is client.StreamHandler's. To a connection that is closed bytes come in
// vain, which its peer learns as a kernel would tell it: by a reset.
func (c *Conn) Readable() {
	switch {
	case c.readClosed:
		c.forget()
	case c.closed:
		c.stream.Close()
	default:
		c.moved.Broadcast()
	}
}

// Wrote is client.StreamHandler's.
func (c *Conn) Wrote(uint64) { c.moved.Broadcast() }

// End is client.StreamHandler's.
func (c *Conn) End() {
	c.fin = true
	c.moved.Broadcast()
}

// Finished is client.StreamHandler's: all that was written is with the kernel.
func (c *Conn) Finished() {
	if c.closed {
		c.stream.Close()
	}
}

// Closed is client.StreamHandler's. A gateway that ends the session ends its streams
// first, and then says why.
func (c *Conn) Closed(why wire.Reason) {
	if why == wire.ReasonShutdown && !c.s.ended {
		c.s.parting = append(c.s.parting, c)
		return
	}
	c.over = true
	c.reads.stop()
	c.writes.stop()
	c.moved.Broadcast()
}

// Kernel is client.StreamHandler's.
func (*Conn) Kernel(wire.Kernels) {}
