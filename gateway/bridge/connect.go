package bridge

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"

	"porthole/wire"
)

// connect dials and tells the page. It is false if the stream is over.
func (st *stream) connect() bool {
	ctx, cancel := st.s.b.inForce().dial(st.s.ctx)
	defer cancel()
	st.mu.Lock()
	st.cancel = cancel
	if st.reason != 0 {
		cancel()
	}
	st.mu.Unlock()
	since := st.s.b.mark()
	conn, p, f := st.open(ctx)
	if f != nil {
		st.refuse(*f)
		return false
	}
	local, remote := conn.LocalAddr().String(), conn.RemoteAddr().String()
	unclaim := st.s.b.claim(st.s, local, remote, since)
	st.release = func() {
		unclaim()
		st.s.b.vacate(p.target)
	}
	st.seek(local, remote)
	_ = st.s.send(st.id, wire.OpConnected, &wire.Connected{Conn: p.conn, Local: local, Remote: remote})
	st.mu.Lock()
	defer st.mu.Unlock()
	st.cancel = nil
	st.join(conn)
	for _, o := range st.waits {
		setOption(conn, o)
	}
	if st.reason != 0 { // it ended while there was no socket to close
		st.shut()
	}
	return true
}

// join takes a socket over, and what waits for it. mu is held.
func (st *stream) join(conn net.Conn) {
	st.conn = conn
	st.src.init(conn)
	st.sink.init(conn)
	st.rise()
}

// open goes the way of a dial: policy, its turn, resolve, dial. It returns the
// socket and what it was plugged in with, or what failed.
func (st *stream) open(ctx context.Context) (net.Conn, *plug, *wire.Failure) {
	b, d := st.s.b, st.dial
	t, err := b.Policy.find(cmp.Or(d.Host, d.Address), d.Port, st.s.user)
	if err != nil {
		return nil, nil, st.forbid(cmp.Or(d.Host, d.Address), d.Port)
	}
	var addrs []netip.Addr
	if d.Address != "" && !t.Unix() {
		a, err := netip.ParseAddr(d.Address)
		if err != nil || !st.s.knows(t, a) {
			return nil, nil, st.forbid(d.Address, d.Port)
		}
		addrs = []netip.Addr{a.Unmap()}
	}
	if err := st.s.turn(ctx); err != nil {
		b.count("dials")
		f := refusal(t.Host, uint64(t.Port))
		f.Code, f.Errno = "EAGAIN", 11
		return nil, nil, &f
	}
	p := b.newPlug(t, st.s.emit())
	conn, f := p.open(ctx, addrs)
	return conn, p, f
}

// turn waits until the session may dial. It fails at once if that would be after
// ctx has ended.
func (s *session) turn(ctx context.Context) error {
	if s.dials == nil {
		return nil
	}
	return s.dials.Wait(ctx)
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
