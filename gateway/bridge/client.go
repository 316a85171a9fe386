package bridge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/time/rate"
)

// Client is the address that a request comes from: the peer's, or, if that is a
// proxy that the operator listed, the one it had the request from. Whatever a
// client writes into X-Forwarded-For itself stands left of that. It is zero if no
// one vouches for one: then the client is a stranger, not the proxy's machine.
func (p *Policy) Client(r *http.Request) netip.Addr {
	peer := p.peer(r)
	if !p.trusts(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return netip.Addr{}
		}
		if peer = addr.Unmap(); !p.trusts(peer) {
			break
		}
	}
	return peer
}

func (p *Policy) peer(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr) // zero if it is none
	return ap.Addr().Unmap()
}

// trusts tells whether an address is of a listed proxy.
func (p *Policy) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Proxies, func(l netip.Prefix) bool { return l.Contains(addr) })
}

// Scheme is the one that the client used, "http" or "https".
func (p *Policy) Scheme(r *http.Request) string {
	switch {
	case p.trusts(p.peer(r)) && r.Header.Get("X-Forwarded-Proto") != "":
		return strings.ToLower(r.Header.Get("X-Forwarded-Proto"))
	case r.TLS != nil:
		return "https"
	}
	return "http"
}

// clients knows who has how many sessions, and how many came of late. Its owner
// guards it.
type clients map[netip.Prefix]*share

// share is what one client takes.
type share struct {
	sessions int
	rate     *rate.Limiter // nil without a limit
}

// enter counts a session of a client in, or tells why not.
func (c clients) enter(who netip.Prefix, l *Limits) *busy {
	one := c[who]
	if one == nil {
		one = &share{rate: limiter(l.Upgrades, int(10*l.Upgrades)+1)}
		c[who] = one
	}
	switch {
	case over(one.sessions+1, l.Client):
		return errClient
	case one.rate != nil && !one.rate.Allow():
		return errUpgrades
	}
	one.sessions++
	return nil
}

// leave counts one out.
func (c clients) leave(who netip.Prefix) { c[who].sessions-- }

// forget drops those who have no session and may come as often as they like.
func (c clients) forget() {
	for who, one := range c {
		if one.sessions == 0 && (one.rate == nil || one.rate.Tokens() >= float64(one.rate.Burst())) {
			delete(c, who)
		}
	}
}

// household is whom an address counts for: an IPv6 client has a /64 at least.
func household(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits) // it has so many
	return p
}
