package main

import (
	"syscall/js"
	"unicode/utf8"

	"porthole/web/client"
	"porthole/web/view"
	"porthole/wire"
)

const (
	// maxQueue bounds what the page holds when a socket takes no more, in bytes.
	maxQueue = 16 << 20
	// maxHeard bounds what is told of a read, in bytes.
	maxHeard = 240
)

// conn is one TCP socket of the page, from dial to closed. What it is and holds
// is what the view shows of it.
type conn struct {
	a      *app
	stream *client.Stream
	number uint64 // that its events carry; 0 until the gateway has told
	sock   view.Sock
	why    wire.Failure
	queue  [][]byte // messages that the socket has not taken
	waits  int      // bytes in the queue
	fin    bool     // end was asked for behind the queue

	// Messages that came or went before there was a number.
	early []message
}

// message is a WebSocket message with data of a stream.
type message struct {
	side wire.Side // who sent the bytes
	n    int
}

// open tells whether the socket lives, or may yet.
func (c *conn) open() bool { return c.stream != nil }

// send writes p a number of times. It is false if the socket is not open for
// writing, or too much is waiting.
func (c *conn) send(p []byte, times int) bool {
	if c.stream == nil || c.fin || len(p)*times > c.room() {
		return false
	}
	for range times {
		c.queue = append(c.queue, p)
	}
	c.waits += len(p) * times
	c.pump()
	return true
}

func (c *conn) room() int { return maxQueue - c.waits }

// burst is how many messages are written at a time: more would hold up the next
// frame. The kernel takes them, Wrote comes, and more are.
const burst = 32

// pump writes from the queue, as far as there is credit. What fits in a message
// goes in one, for a message is one write.
func (c *conn) pump() {
	for i := 0; i < burst && len(c.queue) > 0; i++ {
		piece := c.queue[0][:min(len(c.queue[0]), c.a.session.MaxData())]
		if c.stream.Credit() < len(piece) {
			break
		}
		c.stream.Write(piece)
		c.moved(wire.Client, len(piece))
		c.waits -= len(piece)
		if c.queue[0] = c.queue[0][len(piece):]; len(c.queue[0]) == 0 {
			c.queue = c.queue[1:]
		}
	}
	if c.fin && len(c.queue) == 0 {
		c.stream.End()
	}
}

func (c *conn) end() {
	if c.stream == nil || c.fin {
		return
	}
	c.fin = true
	if c.sock == view.Up {
		c.sock = view.Ended
	}
	c.pump()
}

// moved counts a message, for the events that tell of its bytes.
func (c *conn) moved(side wire.Side, n int) {
	if c.number == 0 {
		c.early = append(c.early, message{side, n})
		return
	}
	c.a.live.Store.Moved(c.number, side, n)
}

// known takes the number of the socket's events.
func (c *conn) known(number uint64) {
	c.number = number
	for _, m := range c.early {
		c.moved(m.side, m.n)
	}
	c.early = nil
}

// The rest is what the socket tells.

func (c *conn) Connected(m wire.Connected) {
	c.known(m.Conn)
	c.sock = view.Up
	if c.fin {
		c.sock = view.Ended
	}
}

func (c *conn) Failed(f wire.Failure) {
	c.known(f.Conn)
	c.sock, c.why = view.Failed, f
}

func (c *conn) Readable() {
	for {
		n := c.stream.Read(c.a.buf)
		if n == 0 {
			return
		}
		c.a.hear(c.a.buf[:n])
		if ondata := c.a.api.Get("ondata"); ondata.Type() == js.TypeFunction {
			array := c.a.arrays.New(n)
			js.CopyBytesToJS(array, c.a.buf[:n])
			ondata.Invoke(array)
		}
	}
}

func (c *conn) Wrote(uint64) { c.pump() }

// End: as in Node, a socket whose peer has ended ends too.
func (c *conn) End() {
	if c.sock == view.Up {
		c.sock = view.PeerEnded
	}
	c.fin = true
	c.pump()
}

func (c *conn) Finished() {}

func (c *conn) Error(f wire.Failure) { c.why = f }

func (c *conn) Kernel(k wire.Kernels) { c.a.live.Store.Sample(c.number, k.Client, k.Server) }

func (c *conn) Closed(why wire.Reason) {
	switch {
	case c.sock == view.Failed:
	case why == wire.ReasonShutdown || why == wire.ReasonGone:
		c.sock = view.Cut
		if p := c.a.live.Store.Client(c.number); p != nil {
			c.a.died = append(c.a.died, p.Number)
		}
	default:
		c.sock = view.Closed
	}
	c.stream, c.queue, c.waits, c.early = nil, nil, 0, nil
	c.a.settle()
}

// heard is the end of what was read, for those who listen to the page: whole
// characters, and not more than is listened to.
func heard(p []byte) string {
	p = p[max(0, len(p)-maxHeard):]
	for i := 0; i < utf8.UTFMax && i < len(p); i++ {
		if utf8.RuneStart(p[i]) {
			return string(p[i:])
		}
	}
	return string(p)
}
