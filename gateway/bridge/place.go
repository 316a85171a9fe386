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
		at.addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
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

// pages are where pages listen now: what they may dial beside the targets.
type pages struct {
	mu sync.Mutex
	at map[netip.AddrPort]bool
}

func (p *pages) add(a net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[netip.AddrPort]bool{}
	}
	p.at[addrPort(a)] = true
}

func (p *pages) remove(a net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, addrPort(a))
}

// have tells whether a page listens at an address; a zero address is any.
func (p *pages) have(to netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := range p.at {
		if at.Port() == to.Port() && (!to.Addr().IsValid() || at.Addr() == to.Addr() || at.Addr().IsUnspecified() && ours(to.Addr())) {
			return true
		}
	}
	return false
}

func addrPort(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String()) // a TCP listener's is one
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
