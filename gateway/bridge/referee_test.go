package bridge_test

import (
	"fmt"

	"porthole/wire"
)

// referee watches all that a gateway sends in one session, and holds it to the
// rules of package wire. The zero value is ready.
type referee struct {
	hello   bool
	streams map[uint64]*course
}

// course is how far a stream has come.
type course struct {
	connected, failed, fin, finished, broke, closed bool

	listening bool // it is a listener
}

func (r *referee) message(msg []byte) error {
	op, id, rest, err := wire.ParseHead(msg)
	switch {
	case err != nil:
		return err
	case len(msg) > wire.MaxMessage:
		return fmt.Errorf("a message of %d bytes", len(msg))
	case r.hello == (op == wire.OpHello):
		return fmt.Errorf("hello is not the first, or not alone: op %d", op)
	}
	r.hello = true
	if r.streams == nil {
		r.streams = map[uint64]*course{}
	}
	switch op {
	case wire.OpHello, wire.OpEvents, wire.OpLost:
		if id != 0 {
			return fmt.Errorf("op %d with id %d", op, id)
		}
		return nil
	}
	c := r.streams[id]
	if c == nil {
		c = &course{}
		r.streams[id] = c
	}
	return c.step(op, id, len(rest))
}

func (c *course) step(op wire.Op, id uint64, size int) error {
	illegal := fmt.Errorf("op %d on stream %d, which is at %+v", op, id, *c)
	if c.closed || c.failed && op != wire.OpClosed || c.broke && op != wire.OpClosed {
		return illegal
	}
	fresh := *c == course{}
	switch op {
	case wire.OpResolved:
		c.closed = true
		if !fresh {
			return illegal
		}
	case wire.OpListening:
		c.listening = true
		if !fresh {
			return illegal
		}
	case wire.OpUnlistened:
		c.closed = true
		if !c.listening {
			return illegal
		}
	case wire.OpAccepted:
		c.connected = true
		if !fresh || id%2 != 0 {
			return illegal
		}
	case wire.OpConnected, wire.OpFailed:
		c.connected, c.failed = op == wire.OpConnected, op == wire.OpFailed
		if !fresh {
			return illegal
		}
	case wire.OpData:
		if !c.connected || c.fin || size == 0 {
			return illegal
		}
	case wire.OpWrote:
		if !c.connected || c.finished {
			return illegal
		}
	case wire.OpKernel:
		if !c.connected {
			return illegal
		}
	case wire.OpFin:
		if !c.connected || c.fin {
			return illegal
		}
		c.fin = true
	case wire.OpFinished:
		if !c.connected || c.finished {
			return illegal
		}
		c.finished = true
	case wire.OpError:
		if !c.connected {
			return illegal
		}
		c.broke = true
	case wire.OpClosed:
		if !c.connected && !c.failed {
			return illegal
		}
		c.closed = true
	default:
		return illegal
	}
	return nil
}

// open tells how many streams have begun and not ended.
func (r *referee) open() (n int) {
	for _, c := range r.streams {
		if !c.closed {
			n++
		}
	}
	return n
}
