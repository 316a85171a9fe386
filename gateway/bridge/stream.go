package bridge

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"

	"porthole/wire"
	"porthole/wire/tap"
)

// stream is one socket of a session. Two goroutines carry its bytes, one each
// way; the session's reader only puts what comes into the ring. Both wait on
// one condition, and both end when end is called.
type stream struct {
	s    *session
	id   uint64
	dial wire.Dial

	release func() // of the server's events; set with conn
	far     far

	mu     sync.Mutex
	moved  *sync.Cond    // something below has changed
	conn   net.Conn      // nil until connected
	waits  []wire.Option // for conn
	in     wire.Ring     // from the page, for the socket
	cuts   []int         // lengths of the messages in it
	taken  int           // bytes out of it that the kernel has not taken
	full   bool          // of these there were highWater, and drain is due
	orders int           // for the far end, not carried out yet
	fin    bool          // the page's last byte is in the ring
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
	return st
}

// run is the life of the stream.
func (st *stream) run() {
	if st.connect() {
		st.carry()
	}
}

// carry carries bytes until both ways have ended, and says how it ended: behind
// the last of them.
func (st *stream) carry() {
	var up sync.WaitGroup
	up.Go(st.up)
	st.down()
	up.Wait()
	why := st.end(wire.ReasonEnded) // unless it has ended already
	st.release()
	st.far.release()
	if st.broke != nil {
		_ = st.s.send(st.id, wire.OpError, st.broke)
	}
	st.closed(why)
}

// connect dials and tells the page. It is false if the stream is over.
func (st *stream) connect() bool {
	ctx, cancel := context.WithTimeout(st.s.ctx, dialTimeout)
	defer cancel()
	st.mu.Lock()
	st.cancel = cancel
	if st.reason != 0 {
		cancel()
	}
	st.mu.Unlock()
	since := st.s.b.mark()
	conn, number, f := st.open(ctx)
	if f != nil {
		st.refuse(*f)
		return false
	}
	local, remote := conn.LocalAddr().String(), conn.RemoteAddr().String()
	st.release = st.s.b.claim(st.s, local, remote, since)
	st.seek(local, remote)
	_ = st.s.send(st.id, wire.OpConnected, &wire.Connected{Conn: number, Local: local, Remote: remote})
	st.mu.Lock()
	defer st.mu.Unlock()
	st.conn = conn
	for _, o := range st.waits {
		setOption(conn, o)
	}
	if st.reason != 0 { // it ended while there was no socket to close
		st.shut()
	}
	return true
}

// open goes the way of a dial: policy, resolve, dial. It returns the socket and
// the number of its events, or what failed.
func (st *stream) open(ctx context.Context) (net.Conn, uint64, *wire.Failure) {
	b, d := st.s.b, st.dial
	t, err := b.Policy.find(cmp.Or(d.Host, d.Address), d.Port)
	if err != nil {
		return nil, 0, st.forbid(cmp.Or(d.Host, d.Address), d.Port)
	}
	var addrs []netip.Addr
	if d.Address != "" && !t.Unix() {
		a, err := netip.ParseAddr(d.Address)
		if err != nil || !st.s.knows(t, a) {
			return nil, 0, st.forbid(d.Address, d.Port)
		}
		addrs = []netip.Addr{a.Unmap()}
	}
	p := b.newPlug(t, st.s.emit())
	conn, f := p.open(ctx, addrs)
	return conn, p.conn, f
}

// knows tells whether an address may be dialled for a target: it is the
// target's own, or one that resolve named in this session.
func (s *session) knows(t Target, a netip.Addr) bool {
	if t.Host == a.Unmap().String() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.resolved[t.Host], a.Unmap())
}

func (st *stream) forbid(address string, port uint64) *wire.Failure {
	st.s.b.count("target")
	f := refusal(address, port)
	return &f
}

// refuse ends a stream that never had a socket.
func (st *stream) refuse(f wire.Failure) {
	why := wire.ReasonFailed
	st.mu.Lock()
	if st.reason != 0 {
		why = st.reason // the page or the session gave it up
	}
	st.mu.Unlock()
	_ = st.s.send(st.id, wire.OpFailed, &f)
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
		switch {
		case st.fin:
			return broken("data after fin")
		case st.reason != 0:
			return nil
		case len(rest) > wire.Window-st.taken-st.in.Len():
			return broken("data beyond the window")
		}
		st.in.Write(rest)
		st.cut(len(rest))
		st.full = st.full || st.taken+st.in.Len() >= highWater
	case wire.OpFin:
		st.fin = true
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
		if uint64(n) > wire.Window-st.credit {
			return broken("credit beyond the window")
		}
		st.credit += uint64(n)
	}
	return nil
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
	for {
		credit := st.waitCredit()
		if credit == 0 {
			return
		}
		err := st.read(credit)
		if err == io.EOF {
			_ = st.s.sock.Write(wire.AppendHead(nil, wire.OpFin, st.id))
			return
		}
		if err != nil {
			st.fail(wire.PhaseRead, "read", err)
			return
		}
	}
}

// read makes one read and one message of it.
func (st *stream) read(credit uint64) error {
	buf := messages.Get().(*[]byte)
	defer messages.Put(buf)
	msg := wire.AppendHead((*buf)[:0], wire.OpData, st.id)
	head := len(msg)
	n, err := st.conn.Read((*buf)[head:min(head+int(credit), wire.MaxMessage)])
	if n == 0 {
		return err
	}
	st.mu.Lock()
	st.credit -= uint64(n)
	st.sent += uint64(n)
	st.mu.Unlock()
	if werr := st.s.sock.Write((*buf)[:head+n]); werr != nil {
		st.end(wire.ReasonGone)
	}
	return err
}

func (st *stream) waitCredit() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
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

// up carries the page's messages to the socket and says what the kernel took.
func (st *stream) up() {
	buf := messages.Get().(*[]byte)
	defer messages.Put(buf)
	for {
		n, fin := st.take(*buf)
		switch {
		case n > 0:
			if !st.write((*buf)[:n]) {
				return
			}
		case fin:
			if err := finish(st.conn); err != nil {
				st.fail(wire.PhaseWrite, "shutdown", err)
				return
			}
			_ = st.s.sock.Write(wire.AppendHead(nil, wire.OpFinished, st.id))
			return
		default:
			return
		}
	}
}

// take waits for a message, or for fin behind the last, or, with neither, for
// the end.
func (st *stream) take(p []byte) (n int, fin bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for (len(st.cuts) == 0 && !st.fin || st.orders > 0) && st.reason == 0 {
		st.moved.Wait()
	}
	if st.reason != 0 {
		return 0, false
	}
	if len(st.cuts) == 0 {
		return 0, true
	}
	n = st.in.Read(p[:min(len(p), st.cuts[0])])
	if st.cuts[0] -= n; st.cuts[0] == 0 {
		st.cuts = st.cuts[:copy(st.cuts, st.cuts[1:])]
	}
	st.taken = n
	return n, false
}

// write writes one message and is false if that failed. It reports drain when
// that is due: as in Node, not if the page has ended its side already.
func (st *stream) write(p []byte) bool {
	n, err := st.conn.Write(p)
	st.mu.Lock()
	st.taken -= n
	drained := st.full && st.taken+st.in.Len() == 0
	st.full = st.full && !drained
	ending := st.fin || st.reason != 0
	st.mu.Unlock()
	if c, ok := st.conn.(*tap.Conn); ok && drained && !ending {
		c.Drained()
	}
	if n > 0 {
		took := wire.Count(n)
		_ = st.s.send(st.id, wire.OpWrote, &took)
	}
	if err != nil {
		st.fail(wire.PhaseWrite, "write", err)
	}
	return err == nil
}

// fail ends a stream whose socket broke, unless it was ending.
func (st *stream) fail(phase wire.Phase, call string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.reason == 0 {
		f := describe(phase, call, err)
		st.broke = &f
		st.endLocked(wire.ReasonError)
	}
}
