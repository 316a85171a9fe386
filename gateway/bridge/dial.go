package bridge

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// plug is one socket of the gateway: the client's end of a connection. It
// carries the events of the dial to the tap of the connection.
type plug struct {
	b      *Bridge
	target Target
	local  net.Addr // where our end is to be; nil is anywhere
	conn   uint64   // the number that its events carry
	emit   tap.Emit // nil if nothing is observed
	start  time.Time
	at     int64        // start, on the clock of events
	held   []wire.Event // of a dial that is discreet, until it has a socket
}

func (b *Bridge) newPlug(t Target, emit tap.Emit) *plug {
	return &plug{b: b, target: t, conn: b.conns.Add(1), emit: emit, start: time.Now(), at: tap.Now()}
}

// open dials the target at one of addrs, or, if there are none, at what its
// name resolves to. It returns the socket, for which the target is vacated when
// it has ended, or what failed; if that is to be kept from pages, not before ctx
// ends.
func (p *plug) open(ctx context.Context, addrs []netip.Addr) (c net.Conn, f *wire.Failure) {
	if f := p.b.occupy(p.target); f != nil {
		return nil, f
	}
	defer func() {
		if f != nil {
			p.b.vacate(p.target)
		}
	}()
	if len(addrs) == 0 && !p.target.Unix() {
		var err error
		if addrs, err = p.resolve(ctx, 0); err != nil {
			return nil, p.failure(ctx, wire.PhaseResolve, "getaddrinfo", err)
		}
	}
	conn, err := p.dial(ctx, addrs)
	if err != nil {
		return nil, p.failure(ctx, wire.PhaseDial, "connect", err)
	}
	p.dialled(wire.PhaseDial, "")
	return conn, nil
}

func (p *plug) dialled(phase wire.Phase, code string) {
	if p.b.Dialled != nil {
		p.b.Dialled(phase.String(), code, time.Since(p.start))
	}
}

// resolve looks the host up, once, and reports lookup. An address is its own
// answer.
func (p *plug) resolve(ctx context.Context, family uint64) ([]netip.Addr, error) {
	addrs, err := p.b.lookup(ctx, p.target.Host, family)
	if err != nil {
		return nil, err
	}
	if _, literal := netip.ParseAddr(p.target.Host); literal != nil {
		var list []string
		for _, a := range addrs {
			list = append(list, a.String())
		}
		p.tell(wire.Event{Kind: wire.Lookup, Host: p.target.Host, Remote: strings.Join(list, " ")})
	}
	return addrs, nil
}

func (b *Bridge) lookup(ctx context.Context, host string, family uint64) ([]netip.Addr, error) {
	network := "ip"
	if family == 4 || family == 6 {
		network += strconv.FormatUint(family, 10)
	}
	r := b.Resolver
	if r == nil {
		r = net.DefaultResolver
	}
	addrs, err := r.LookupNetIP(ctx, network, host)
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, err
}

// dial connects to the first of the addresses that answers, each with its share
// of the time, or to the path of a Unix socket. It reports connect.
func (p *plug) dial(ctx context.Context, addrs []netip.Addr) (net.Conn, error) {
	if p.target.Unix() {
		d := net.Dialer{ControlContext: bindUnix}
		return p.wrap(d.DialContext(ctx, "unix", p.target.Host))
	}
	end, _ := ctx.Deadline()
	var first error
	for i, a := range addrs {
		d := net.Dialer{ControlContext: p.judge, LocalAddr: p.local}
		if left := time.Until(end); !end.IsZero() {
			d.Timeout = left / time.Duration(len(addrs)-i)
		}
		c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(a, p.target.Port).String())
		if err == nil {
			l := p.b.inForce()
			bound(c, l)
			expect(c, l.Unacked)
			return p.wrap(c, nil)
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = &net.DNSError{Err: "no address", Name: p.target.Host, IsNotFound: true}
	}
	return nil, first
}

// judge runs between socket(2) and connect(2), on the very address that is
// dialled: what a name resolved to before does not count.
func (p *plug) judge(_ context.Context, _, address string, c syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err == nil {
		err = p.b.judge(p.target, ap)
	}
	if err == nil && p.local != nil {
		err = reuse(c)
	}
	return err
}

func (p *plug) wrap(c net.Conn, err error) (net.Conn, error) {
	if err != nil || p.emit == nil {
		return c, err
	}
	for _, e := range p.held {
		p.emit(e)
	}
	return tap.Client(c, p.conn, p.at, p.emit), nil
}

// failure describes what ended the dial, and reports error and close.
func (p *plug) failure(ctx context.Context, phase wire.Phase, call string, err error) *wire.Failure {
	f := describe(phase, call, err)
	if errors.Is(err, ErrAddress) {
		p.b.count("address")
		f = refusal("", 0)
	}
	p.b.logger().Info("no socket", "target", p.target, "phase", phase, "error", err)
	p.dialled(f.Phase, f.Code)
	if p.b.Policy.Discreet {
		p.held = nil
		<-ctx.Done() // whatever it was, it took as long
		f = wire.Failure{Phase: wire.PhaseDial, Code: "EHOSTUNREACH", Errno: 113, Syscall: "connect", Address: p.target.Host, Port: uint64(p.target.Port)}
	}
	f.Conn = p.conn
	f.Millis = uint64(time.Since(p.start).Milliseconds())
	if f.Address == "" {
		f.Address, f.Port = p.target.Host, uint64(p.target.Port)
	}
	for _, e := range []wire.Event{{Kind: wire.Error, Code: f.Code, Syscall: f.Syscall}, {Kind: wire.Close, HadError: true}} {
		e.Remote = p.target.String()
		if p.emit != nil {
			p.emit(p.event(e))
		}
	}
	return &f
}

// tell reports an event of the dial: now, or, where it would say how the dial is
// coming on, with the socket.
func (p *plug) tell(e wire.Event) {
	switch {
	case p.emit == nil:
	case p.b.Policy.Discreet:
		p.held = append(p.held, p.event(e))
	default:
		p.emit(p.event(e))
	}
}

func (p *plug) event(e wire.Event) wire.Event {
	e.Side, e.Conn = wire.Client, p.conn
	e.Start, e.Return = p.at, tap.Now()
	return e
}

// describe says in the wire's words what a socket call met.
func describe(phase wire.Phase, call string, err error) wire.Failure {
	f := wire.Failure{Phase: phase, Syscall: tap.Syscall(err, call)}
	f.Code, f.Errno = tap.Errno(err)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		if ap, err := netip.ParseAddrPort(op.Addr.String()); err == nil {
			f.Address, f.Port = ap.Addr().String(), uint64(ap.Port())
		}
	}
	return f
}

// reset ends a connection with RST, so that the peer learns that bytes were
// lost. A Unix socket knows none and is closed.
func reset(c net.Conn) {
	switch c := c.(type) {
	case *tap.Conn:
		_ = c.Reset()
	case *net.TCPConn:
		_ = c.SetLinger(0)
		_ = c.Close()
	default:
		_ = c.Close()
	}
}

// finish ends our side of a connection; both kinds we dial can.
func finish(c net.Conn) error {
	return c.(interface{ CloseWrite() error }).CloseWrite()
}
