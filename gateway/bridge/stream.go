package bridge

import (
	"context"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// stream is one socket of a session. What the page sends the session's reader
// hands to the kernel, as much as that takes at once; up carries the rest from a
// ring, and lives only while there is some. The other way is one goroutine's.
// All wait on one condition, and end when end is called.
type stream struct {
	s    *session
	id   uint64
	dial wire.Dial

	release func() // of the server's events; set with conn
	far     far
	src     source // of conn, for down
	owed    uint64 // bytes that the kernel took and the page was not told; guarded by receipts

	passed atomic.Uint64 // bytes for and from the socket
	moves  pace          // of these; look's alone

	mu     sync.Mutex
	moved  *sync.Cond    // something below has changed
	conn   net.Conn      // nil until connected
	sink   sink          // of conn, for whoever writes
	waits  []wire.Option // for conn
	in     wire.Ring     // from the page, for the socket
	cuts   []int         // lengths of the messages in it
	taken  int           // bytes out of it that the kernel has not taken
	full   bool          // of these there were highWater, and drain is due
	orders int           // for the far end, not carried out yet
	fin    bool          // the page's last byte is in the ring
	deaf   bool          // … or what more it sends is dropped
	ended  bool          // the socket's last byte has come
	rising bool          // up runs
	done   bool          // … and has ended our side, or failed to
	credit uint64        // bytes the page will still take
	sent   uint64        // bytes sent to the page
	unread bool          // the page leaves bytes of ours unread
	reason wire.Reason   // why it ends; 0 while it lives
	broke  *wire.Failure
	cancel context.CancelFunc
}

// highWater is how many bytes may wait for the kernel before a writer does well
// to wait for drain: the default of Node 22's streams (writableHighWaterMark).
const highWater = 64 << 10

func newStream(s *session, id uint64, d wire.Dial) *stream {
	st := &stream{s: s, id: id, dial: d, waits: d.Options, credit: d.Window}
	st.moved = sync.NewCond(&st.mu)
	if s.free {
		st.credit = math.MaxUint64
	}
	return st
}

// accepted tells whether the stream is of one of the page's listeners.
func (st *stream) accepted() bool { return st.id%2 == 0 }

// run is the life of the stream. The stack that a dial has grown ends with it.
func (st *stream) run() {
	if st.connect() {
		st.s.work.Go(st.carry)
	}
}

// carry carries bytes until both ways have ended, and says how it ended: behind
// the last of them.
func (st *stream) carry() {
	st.down()
	st.waitUp()
	why := st.end(wire.ReasonEnded) // unless it has ended already
	st.release()
	st.far.release()
	if st.broke != nil {
		_ = st.s.send(st.id, wire.OpError, st.broke)
	}
	st.closed(why)
}

func (st *stream) closed(why wire.Reason) {
	st.s.conclude(st.id, wire.OpClosed, &wire.Closed{Reason: why})
}

// handle takes a message of the page for this stream. It never waits.
func (st *stream) handle(op wire.Op, rest []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.moved.Broadcast()
	switch op {
	case wire.OpData:
		return st.data(rest)
	case wire.OpFin:
		st.fin = true
		st.rise()
	case wire.OpReset:
		st.endLocked(wire.ReasonReset)
	case wire.OpOption:
		var o wire.Option
		if err := wire.Parse(rest, &o); err != nil {
			return err
		}
		st.option(o)
	case wire.OpCredit, wire.OpClose:
		var n wire.Count
		if err := wire.Parse(rest, &n); err != nil {
			return err
		}
		if op == wire.OpClose {
			st.unread = uint64(n) < st.sent
			st.endLocked(wire.ReasonClosed)
			return nil
		}
		if uint64(n) > wire.MaxWindow-st.credit {
			return broken("credit beyond the window")
		}
		st.credit += uint64(n)
	}
	return nil
}

// data takes bytes for the socket. Where none wait, the kernel gets them at once.
func (st *stream) data(p []byte) error {
	switch {
	case st.fin && !st.deaf:
		return broken("data after fin")
	case st.fin, st.reason != 0:
		return nil
	case len(p) > wire.Window-st.taken-st.in.Len():
		return broken("data beyond the window")
	case len(p) == 0:
		return nil
	}
	st.full = st.full || st.taken+st.in.Len()+len(p) >= highWater
	if st.conn != nil && !st.rising && st.orders == 0 {
		n, err := st.sink.offer(p)
		st.pass(&st.s.life.up, n)
		st.s.receipts.owe(st, n)
		if err != nil {
			st.failLocked(wire.PhaseWrite, "write", err)
			return nil
		}
		if p = p[n:]; len(p) == 0 {
			st.drained()
			return nil
		}
	}
	st.in.Write(p)
	st.cut(len(p))
	st.rise()
	return nil
}

// hangUp ends our side behind what has come for the socket, where the page has no
// way to; what it still sends is dropped. It is false if the stream is over.
func (st *stream) hangUp() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.fin, st.deaf = true, true
	st.rise()
	return st.reason == 0
}

// rise starts up, if there is work for it.
func (st *stream) rise() {
	if st.conn != nil && !st.rising && !st.done && st.orders == 0 && st.reason == 0 && (len(st.cuts) > 0 || st.fin) {
		st.rising = true
		st.s.work.Go(st.up)
	}
}

// end ends the stream; the first reason counts, and is returned.
func (st *stream) end(why wire.Reason) wire.Reason {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.endLocked(why)
}

func (st *stream) endLocked(why wire.Reason) wire.Reason {
	if st.reason == 0 {
		st.reason = why
		st.shut()
		st.moved.Broadcast()
	}
	return st.reason
}

// shut closes the socket, so that whoever waits on it returns. Where bytes are
// lost, ours or the peer's, the peer must not take it for an orderly end.
func (st *stream) shut() {
	switch {
	case st.conn == nil:
		if st.cancel != nil {
			st.cancel()
		}
	case st.reason == wire.ReasonReset || st.unread || st.taken+st.in.Len() > 0:
		reset(st.conn)
	default:
		_ = st.conn.Close()
	}
}

// down carries the socket's bytes to the page, as far as its credit goes.
// Without credit it does not read: the peer's kernel fills, then the peer.
func (st *stream) down() {
	defer st.src.release()
	head := wire.AppendHead(nil, wire.OpData, st.id)
	start := lead + len(head)
	for {
		credit := st.waitCredit()
		if credit == 0 {
			return
		}
		n, err := st.src.read(start, min(start+int(min(credit, wire.MaxMessage)), lead+wire.MaxMessage), false)
		if n > 0 {
			st.mu.Lock()
			st.credit -= uint64(n)
			st.sent += uint64(n)
			st.mu.Unlock()
			st.pass(&st.s.life.down, n)
			copy(st.src.buf[lead:], head)
			if st.s.write(st.src.buf[:start+n], true) != nil {
				st.end(wire.ReasonGone)
			}
		}
		if err == io.EOF {
			st.mu.Lock()
			st.ended = true
			st.mu.Unlock()
			_ = st.s.send(st.id, wire.OpFin, nil)
			return
		}
		if err != nil {
			st.fail(wire.PhaseRead, "read", err)
			return
		}
	}
}

// pass notes bytes that went one way or the other.
func (st *stream) pass(way *atomic.Uint64, n int) {
	st.passed.Add(uint64(n))
	way.Add(uint64(n))
}

// look ends a socket that is half closed, and has brought nothing for too long.
func (st *stream) look(now time.Time, l *Limits) {
	st.mu.Lock()
	defer st.mu.Unlock()
	stood := st.moves.stands(st.passed.Load(), now)
	if st.conn == nil || !st.fin && !st.ended {
		st.moves.since = now // the time runs from the end of one way
	} else if lapsed(stood, l.HalfClosed) {
		st.s.b.tally("half-closed")
		st.failLocked(wire.PhaseRead, "read", syscall.ETIMEDOUT)
	}
}

func (st *stream) waitCredit() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.credit == 0 {
		st.src.release()
		st.s.b.stalls.Add(1)
	}
	for st.credit == 0 && st.reason == 0 {
		st.moved.Wait()
	}
	if st.reason != 0 {
		return 0
	}
	return st.credit
}

// cut notes where a message ends. So that a picture of writes and reads can be
// drawn, a message is one write; but not at any price of memory.
func (st *stream) cut(n int) {
	const maxCuts = 1 << 10
	if last := len(st.cuts) - 1; last >= maxCuts {
		st.cuts[last] += n
	} else if n > 0 {
		st.cuts = append(st.cuts, n)
	}
}

// up carries the page's messages from the ring to the socket, and its end.
func (st *stream) up() {
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	for {
		n, fin := st.take(buf[:])
		switch {
		case n > 0:
			st.push(buf[:n])
		case fin:
			if err := finish(st.conn); err != nil {
				st.fail(wire.PhaseWrite, "shutdown", err)
			} else {
				_ = st.s.send(st.id, wire.OpFinished, nil)
			}
			st.mu.Lock()
			defer st.mu.Unlock()
			st.rising, st.done = false, true
			st.moved.Broadcast()
			return
		default:
			return
		}
	}
}

// take is the next message from the ring, or fin behind the last, or, with
// neither, the end of up.
func (st *stream) take(p []byte) (n int, fin bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.reason != 0 || st.orders > 0 || len(st.cuts) == 0 && !st.fin:
		st.rising = false
		st.moved.Broadcast()
		return 0, false
	case len(st.cuts) == 0:
		return 0, true
	}
	n = st.in.Read(p[:min(len(p), st.cuts[0])])
	if st.cuts[0] -= n; st.cuts[0] == 0 {
		st.cuts = st.cuts[:copy(st.cuts, st.cuts[1:])]
	}
	st.taken = n
	return n, false
}

// waitUp waits until nothing goes up any more.
func (st *stream) waitUp() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for st.rising || !st.done && st.reason == 0 {
		st.moved.Wait()
	}
}

// push writes one message.
func (st *stream) push(p []byte) {
	n, err := st.sink.write(p)
	st.pass(&st.s.life.up, n)
	st.mu.Lock()
	st.taken -= n
	st.s.receipts.owe(st, n)
	if err == nil {
		st.drained()
	} else {
		st.failLocked(wire.PhaseWrite, "write", err)
	}
	st.mu.Unlock()
	st.s.settle()
}

// drained reports drain when that is due: as in Node, not if the page has ended
// its side already.
func (st *stream) drained() {
	if !st.full || st.taken+st.in.Len() > 0 {
		return
	}
	st.full = false
	if c, ok := st.conn.(*tap.Conn); ok && !st.fin && st.reason == 0 {
		c.Drained()
	}
}

// fail ends a stream whose socket broke, unless it was ending.
func (st *stream) fail(phase wire.Phase, call string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.failLocked(phase, call, err)
}

func (st *stream) failLocked(phase wire.Phase, call string, err error) {
	if st.reason == 0 {
		f := describe(phase, call, err)
		st.broke = &f
		st.endLocked(wire.ReasonError)
	}
}
