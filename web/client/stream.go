package client

import "porthole/wire"

// StreamHandler is told what happens to one stream. End, Error and Closed wait
// until every byte before them has been read; Closed is the last call.
type StreamHandler interface {
	Connected(c wire.Connected)
	// Failed tells why the dial failed; Closed follows.
	Failed(f wire.Failure)
	// Readable tells that Read has bytes.
	Readable()
	// Wrote tells that the socket's kernel took n bytes: as many more may be
	// written.
	Wrote(n uint64)
	// End: the peer has ended its side.
	End()
	// Finished: our side is shut down.
	Finished()
	// Error tells what broke the socket; Closed follows.
	Error(f wire.Failure)
	// Kernel tells how the kernels hold both ends now; see [Session.Observe].
	Kernel(k wire.Kernels)
	Closed(why wire.Reason)
}

// Stream is one TCP socket at the gateway. The owner ends it with End and the
// peer's end, Close, or Reset.
type Stream struct {
	s       *Session
	id      uint64
	handler StreamHandler

	window uint64  // bytes that may be under way to the gateway
	credit uint64  // bytes that may be written
	sent   wire.Op // how we ended our side: fin, then close or reset; 0 if we did not

	in     wire.Ring // received and not read
	fresh  []byte    // behind it, while Readable is called: what is read then need not be kept
	read   uint64    // bytes read, in all
	owed   uint64    // bytes read that the gateway has no credit for yet
	fin    bool      // the peer has ended its side
	broke  *wire.Failure
	reason wire.Reason // why it ended; 0 while it lives
	told   struct{ end, closed bool }
}

// Write sends what the credit allows of p and tells how much that was. Wrote
// tells when there is more.
func (st *Stream) Write(p []byte) int {
	if st.sent != 0 || st.reason != 0 {
		return 0
	}
	p = p[:min(uint64(len(p)), st.credit)]
	st.credit -= uint64(len(p))
	for rest := p; len(rest) > 0; {
		msg := wire.AppendHead(st.s.out[:0], wire.OpData, st.id)
		n := min(len(rest), st.s.message-len(msg))
		st.s.out = append(msg, rest[:n]...)
		st.s.sock.Send(st.s.out)
		rest = rest[n:]
	}
	return len(p)
}

// Credit is how many bytes Write would take.
func (st *Stream) Credit() int { return int(st.credit) }

// End shuts our side down behind what was written. We can still read.
func (st *Stream) End() {
	if st.sent == 0 {
		st.finish(wire.OpFin, nil)
	}
}

// Reset aborts: the peer gets RST.
func (st *Stream) Reset() { st.abandon(wire.OpReset, nil) }

// Close ends both ways. What is unsent is discarded, and so is what is unread;
// either resets the peer, which must not take it for an orderly end.
func (st *Stream) Close() {
	read := wire.Count(st.read)
	st.abandon(wire.OpClose, &read)
}

// abandon takes nothing more from the peer: what waited behind its bytes need
// not wait any more.
func (st *Stream) abandon(op wire.Op, body wire.Body) {
	if !st.abandoned() {
		st.in, st.fresh = wire.Ring{}, nil
		st.finish(op, body)
		st.settle()
	}
}

func (st *Stream) abandoned() bool { return st.sent == wire.OpReset || st.sent == wire.OpClose }

func (st *Stream) finish(op wire.Op, body wire.Body) {
	st.sent = op
	if st.reason == 0 {
		st.s.send(op, st.id, body)
	}
}

// ID is the stream's number in its session.
func (st *Stream) ID() uint64 { return st.id }

// Lab steers the server's end of the connection, if hello offers "lab". What
// it does shows in the events.
func (st *Stream) Lab(verb wire.Verb, value uint64) {
	if st.reason == 0 {
		st.s.send(wire.OpLab, st.id, &wire.Lab{Verb: verb, Value: value})
	}
}

// SetOption sets a socket option.
func (st *Stream) SetOption(o wire.Option) { st.s.send(wire.OpOption, st.id, &o) }

// Buffered is how many bytes wait to be read.
func (st *Stream) Buffered() int { return st.in.Len() + len(st.fresh) }

// Read takes what has come, at most len(p) bytes, and gives the gateway credit
// for it. Not reading is what holds the peer back.
func (st *Stream) Read(p []byte) int {
	n := st.in.Read(p)
	fresh := copy(p[n:], st.fresh)
	st.fresh = st.fresh[fresh:]
	n += fresh
	st.read += uint64(n)
	st.owed += uint64(n)
	// In quarters of the window: often enough that the gateway never waits,
	// seldom enough to cost nothing.
	if st.owed >= wire.MaxWindow/4 && st.reason == 0 {
		owed := wire.Count(st.owed)
		st.owed = 0
		st.s.send(wire.OpCredit, st.id, &owed)
	}
	if n > 0 {
		st.settle()
	}
	return n
}

func (st *Stream) receive(op wire.Op, rest []byte) error {
	switch op {
	case wire.OpData:
		if st.abandoned() {
			return nil
		}
		if st.Buffered()+len(rest) > wire.MaxWindow {
			return ErrProtocol // beyond the window
		}
		st.fresh = rest
		st.handler.Readable()
		st.in.Write(st.fresh) // within the window there is room
		st.fresh = nil
	case wire.OpConnected:
		var c wire.Connected
		if err := wire.Parse(rest, &c); err != nil {
			return err
		}
		st.handler.Connected(c)
	case wire.OpFailed, wire.OpError:
		var f wire.Failure
		if err := wire.Parse(rest, &f); err != nil {
			return err
		}
		if op == wire.OpFailed {
			st.handler.Failed(f)
		} else {
			st.broke = &f
		}
	case wire.OpWrote:
		var n wire.Count
		if err := wire.Parse(rest, &n); err != nil {
			return err
		}
		if uint64(n) > st.window-st.credit {
			return ErrProtocol // more than was written
		}
		st.credit += uint64(n)
		st.handler.Wrote(uint64(n))
	case wire.OpKernel:
		var k wire.Kernels
		if err := wire.Parse(rest, &k); err != nil {
			return err
		}
		st.handler.Kernel(k)
	case wire.OpFin:
		st.fin = true
	case wire.OpFinished:
		st.handler.Finished()
	case wire.OpClosed:
		var c wire.Closed
		if err := wire.Parse(rest, &c); err != nil {
			return err
		}
		delete(st.s.streams, st.id)
		st.end(c.Reason)
	}
	st.settle()
	return nil
}

func (st *Stream) end(why wire.Reason) {
	st.reason = why
	st.settle()
}

// settle tells of the ends whose turn has come: behind the last byte.
func (st *Stream) settle() {
	if st.Buffered() > 0 {
		return
	}
	if st.fin && !st.told.end && !st.abandoned() {
		st.told.end = true
		st.handler.End()
	}
	if f := st.broke; f != nil {
		st.broke = nil
		st.handler.Error(*f)
	}
	if why := st.reason; why != 0 && !st.told.closed {
		st.told.closed = true
		st.handler.Closed(why)
	}
}
