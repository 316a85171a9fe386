package bridge

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"

	"porthole/wire"
	"porthole/wire/tap"
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

// open goes the way of a dial: its turn, policy, resolve, dial. It returns the
// socket and what it was plugged in with, or what failed.
func (st *stream) open(ctx context.Context) (net.Conn, *plug, *wire.Failure) {
	b, d := st.s.b, st.dial
	asked := cmp.Or(d.Host, d.Address)
	t, f := st.s.permit(ctx, asked, d.Port, func() (Target, error) { return b.find(st.s, asked, d.Port, st.s.user) })
	if f != nil {
		return nil, nil, f
	}
	var addrs []netip.Addr
	if d.Address != "" && !t.Unix() {
		a, err := netip.ParseAddr(d.Address)
		if own := st.s.loopback(); t.page && a == loopback4 && own.IsValid() {
			a = own // which stands for it
		}
		if err != nil || !st.s.knows(t, a) {
			return nil, nil, b.forbid(st.s.user, d.Address, d.Port)
		}
		addrs = []netip.Addr{a.Unmap()}
	}
	p := b.newPlug(t, st.s.emit())
	if p.local, f = st.s.bind(d); f != nil {
		return nil, nil, f
	}
	conn, f := p.open(ctx, addrs)
	return conn, p, f
}

// bind finds where our end of a socket is to be: nil for anywhere.
func (s *session) bind(d wire.Dial) (net.Addr, *wire.Failure) {
	if d.Local == "" && d.LocalPort == 0 {
		return nil, nil
	}
	m := wire.Listen{Host: d.Local, Port: d.LocalPort}
	if to, err := netip.ParseAddr(cmp.Or(d.Address, d.Host)); err == nil {
		m.Family = 6
		if to.Unmap().Is4() {
			m.Family = 4
		}
	}
	at, err := s.place(m)
	if err != nil {
		s.b.count("bind")
		s.user.tell(s.b.logger()).Warn("local address refused", "host", shorten(d.Local), "port", d.LocalPort)
		f := refusal(d.Local, d.LocalPort)
		f.Syscall = "bind"
		return nil, &f
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.addr, at.port)), nil
}

// permit waits until it is the session's turn to ask for a target, and finds it.
// It fails at once if its turn would be after ctx has ended.
func (s *session) permit(ctx context.Context, host string, port uint64, find func() (Target, error)) (Target, *wire.Failure) {
	if s.dials != nil && s.dials.Wait(ctx) != nil && ctx.Err() == nil { // one that was given up is refused nothing
		s.b.count("dials")
		f := refusal(host, port)
		f.Code, f.Errno = "EAGAIN", 11
		return Target{}, &f
	}
	t, err := find()
	if err != nil {
		return Target{}, s.b.forbid(s.user, host, port)
	}
	return t, nil
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

// forbid refuses a target that is not listed, or not for this user.
func (b *Bridge) forbid(g *Grant, asked string, port uint64) *wire.Failure {
	b.count("target")
	g.tell(b.logger()).Warn("target refused", "target", shorten(asked), "port", port)
	f := refusal(asked, port)
	return &f
}

// shorten is what a page has named, for the log.
func shorten(name string) string {
	const enough = 256 // bytes, longer than a name
	return tap.Text([]byte(name[:min(len(name), enough)]))
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
