package bridge

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"porthole/wire"
)

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// place is where a listener is to be.
type place struct {
	network string
	addr    netip.Addr
	ports   []Target // of which, if any will do; then port is 0
	port    uint16
}

func (at place) String() string { return netip.AddrPortFrom(at.addr, at.port).String() }

// tries is how many ports are tried where any will do.
const tries = 64

// open listens there.
func (at place) open(ctx context.Context) (l net.Listener, err error) {
	var lc net.ListenConfig
	listen := func(port uint16) (net.Listener, error) {
		return lc.Listen(ctx, at.network, netip.AddrPortFrom(at.addr, port).String())
	}
	if at.port != 0 {
		return listen(at.port)
	}
	for range tries {
		t := at.ports[rand.IntN(len(at.ports))]
		port := t.Port + uint16(rand.IntN(int(max(t.Port, t.Last)-t.Port)+1))
		if l, err = listen(port); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// listen finds where a page may listen: at the address that it names, or where
// it may if it names none, or all of them.
func (p *Policy) listen(m wire.Listen) (place, error) {
	at := place{network: "tcp"}
	if m.Family == 4 || m.Family == 6 {
		at.network += strconv.FormatUint(m.Family, 10)
	}
	switch addr, err := netip.ParseAddr(m.Host); {
	case m.Port > 65535:
		return place{}, ErrListen
	case m.Host == "localhost" && m.Family == 6:
		at.addr = netip.IPv6Loopback()
	case m.Host == "localhost":
		at.addr = loopback4
	case err == nil:
		at.addr = addr.Unmap()
	case m.Host != "":
		return place{}, ErrListen
	}
	at.port = uint16(m.Port)
	if at.allowed(p.Listen) {
		return at, nil
	}
	if at.addr.IsValid() && !at.addr.IsUnspecified() {
		return place{}, ErrListen
	}
	for _, l := range p.Listen {
		if at.addr = l.first(); m.Family == 0 || at.addr.Is4() == (m.Family == 4) {
			if at.allowed(p.Listen) {
				return at, nil
			}
		}
	}
	return place{}, ErrListen
}

// allowed tells whether a list has the place, and notes the ports for any.
func (at *place) allowed(list []Target) bool {
	if !at.addr.IsValid() {
		return false
	}
	at.ports = nil
	for _, l := range list {
		if l.covers(at.addr) && (at.port == 0 || l.hasPort(at.port)) {
			at.ports = append(at.ports, l)
		}
	}
	return len(at.ports) > 0
}

// find is the target that a page names, if it is listed, or a page listens there.
// The session is nil in raw mode.
func (b *Bridge) find(s *session, host string, port uint64, g *Grant) (Target, error) {
	t, err := b.Policy.find(host, port, g)
	if err == nil && !b.Policy.SessionLoopback || len(g.of(nil)) > 0 {
		return t, err
	}
	asked, wrong := newTarget(host, port)
	var addrs []netip.Addr
	if asked.Host == "localhost" {
		addrs = []netip.Addr{loopback4, netip.IPv6Loopback()}
	} else if addr, err := netip.ParseAddr(asked.Host); err == nil {
		addrs = []netip.Addr{addr}
	}
	for _, addr := range addrs {
		if own := s.loopback(); addr == loopback4 && own.IsValid() {
			addr = own
		}
		listens := b.pages.whose(netip.AddrPortFrom(addr, asked.Port))
		if wrong == nil && listens != nil && (listens == s || !b.Policy.SessionLoopback) {
			return Target{Host: addr.String(), Port: asked.Port, page: true}, nil
		}
	}
	return t, err
}

// judge is the last word on an address that is dialled for a target.
func (b *Bridge) judge(t Target, to netip.AddrPort) error {
	switch listens := b.pages.whose(netip.AddrPortFrom(to.Addr().Unmap(), to.Port())); {
	case t.page && listens == nil:
		return ErrAddress // no more
	case t.page:
		return nil
	case listens != nil && b.Policy.SessionLoopback:
		return ErrAddress // it is for one page
	}
	return b.Policy.judge(t, to)
}

// loopback is the address that a session has for itself, if each has.
func (s *session) loopback() netip.Addr {
	if s == nil || !s.b.Policy.SessionLoopback {
		return netip.Addr{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.own.IsValid() {
		s.own = s.b.pages.loopback()
	}
	return s.own
}

// place finds where a page may listen. Where each has a loopback of its own, that
// stands for 127.0.0.1, and no other is to be had.
func (s *session) place(m wire.Listen) (place, error) {
	at, err := s.b.Policy.listen(m)
	own := s.loopback()
	if err != nil || !own.IsValid() || !at.addr.IsLoopback() {
		return at, err
	}
	if at.addr != loopback4 && at.addr != own {
		return place{}, ErrListen
	}
	at.addr = own
	return at, nil
}

// pages are where pages listen now, and which: what they may dial beside the
// targets.
type pages struct {
	mu     sync.Mutex
	at     map[netip.AddrPort]*session
	number uint32 // of the newest loopback of a session's own
}

func (p *pages) add(a net.Addr, s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[netip.AddrPort]*session{}
	}
	p.at[addrPort(a)] = s
}

func (p *pages) remove(a net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, addrPort(a))
}

// whose is the session that listens at an address; nil if none does.
func (p *pages) whose(to netip.AddrPort) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, s := range p.at {
		if at.Port() == to.Port() && (at.Addr() == to.Addr() || at.Addr().IsUnspecified() && ours(to.Addr())) {
			return s
		}
	}
	return nil
}

// loopback is another address of this machine's own, for a session to have alone:
// 127.1.0.0 and what follows.
func (p *pages) loopback() netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number = p.number%0xfefffe + 1
	n := p.number + 0x10000
	return netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
}

func addrPort(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String()) // a TCP listener's is one
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
