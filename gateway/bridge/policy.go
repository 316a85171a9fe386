package bridge

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"code.dny.dev/ssrf"

	"porthole/wire"
)

// Why a gateway refuses. Each wraps the detail.
var (
	// ErrHost: the request calls the gateway by a name that is not its own,
	// which is what a rebound DNS name looks like.
	ErrHost = errors.New("this gateway has no such name")
	// ErrOrigin: a page of another site asks, or a program that is no browser
	// and not on this machine.
	ErrOrigin = errors.New("this origin may not connect")
	// ErrTarget: the target is not on the operator's list.
	ErrTarget = errors.New("this target is not on the gateway's list")
	// ErrListen: pages may not listen there, or nowhere.
	ErrListen = errors.New("pages may not listen there")
	// ErrAddress: a target's name led to an address that is neither public nor
	// listed.
	ErrAddress = errors.New("the target's name leads to an address that is not public")
)

// Policy says who may open a session and what it may reach. The zero value lets
// this machine's own pages in, and reaches nothing.
type Policy struct {
	// Hosts are the names, without port, by which requests may call the
	// gateway, beside localhost and its addresses.
	Hosts []string
	// Origins are allowed beside the gateway's own: scheme://host[:port],
	// compared whole.
	Origins []string
	// Targets may be dialled. The first that is a single one is the default.
	Targets []Target
	// Proxies are the addresses of reverse proxies, which are believed what they
	// say of their clients: X-Forwarded-For and X-Forwarded-Proto.
	Proxies []netip.Prefix
	// Own are the listeners of this process: no name leads to them, whatever it
	// resolves to. An unspecified address stands for all of the machine's.
	Own []netip.AddrPort
	// Listen is where pages may listen, and choose the near end of a socket to be:
	// addresses or blocks of them, with ports.
	Listen []Target
	// SessionLoopback gives each session an address of its own, 127.x.y.z, which
	// stands for 127.0.0.1 where pages listen and dial what they listen on: they
	// neither collide with nor reach each other. The whole block must be the
	// loopback's, as it is on Linux, and in Listen.
	SessionLoopback bool
	// Discreet: pages that cannot have a target are not told why, nor how soon
	// that was clear, so that they do not learn what is there by asking. The log
	// has it.
	Discreet bool
}

// CheckHost judges the Host of a request for any route: a page on a name that
// was rebound to this machine has an Origin and a Host that agree. It needs a
// name for that, so an address passes.
func (p *Policy) CheckHost(r *http.Request) error {
	host := hostname(r.Host)
	ours := func(name string) bool { return strings.EqualFold(name, host) }
	if _, err := netip.ParseAddr(host); err == nil || ours("localhost") || slices.ContainsFunc(p.Hosts, ours) {
		return nil
	}
	return ErrHost
}

// CheckOrigin judges the Origin (RFC 6454 §7) of an upgrade whose Host was
// judged before. A browser always sends one; without it the peer is a program,
// and must be on this machine.
func (p *Policy) CheckOrigin(r *http.Request) error {
	switch origins := r.Header.Values("Origin"); {
	case len(origins) == 0 && p.Client(r).IsLoopback():
		return nil
	case len(origins) != 1:
		return ErrOrigin
	case slices.ContainsFunc(p.Origins, func(o string) bool { return strings.EqualFold(o, origins[0]) }):
		return nil
	default:
		o, err := url.Parse(origins[0])
		if err != nil || o.Scheme != p.Scheme(r) || !strings.EqualFold(o.Host, r.Host) {
			return ErrOrigin
		}
		return nil
	}
}

// hostname is the host of a Host header, its port and brackets gone.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// find is the target that a page names, if it is listed, and its visitor's grant
// has it too; the default if it names none.
func (p *Policy) find(host string, port uint64, g *Grant) (t Target, err error) {
	granted := g.of(p.Targets)
	if i := slices.IndexFunc(granted, Target.Single); host == "" && port == 0 && i >= 0 {
		t = granted[i]
	} else if t, err = newTarget(host, port); err != nil {
		return Target{}, ErrTarget
	}
	if !t.Single() || !lists(granted, t) || !lists(p.Targets, t) {
		return Target{}, ErrTarget
	}
	return t, nil
}

// named is a listed target of that host, for its name to be resolved.
func (p *Policy) named(host string, g *Grant) (Target, error) {
	t, err := newTarget(host, 1) // as a target has it; the port plays no part
	if err != nil || !t.Single() || t.Unix() {
		return Target{}, ErrTarget
	}
	knows := func(l Target) bool { return l.Host == t.Host || l.holds(t.Host) }
	granted := g.of(p.Targets)
	i := slices.IndexFunc(granted, knows)
	if i < 0 || !slices.ContainsFunc(p.Targets, knows) {
		return Target{}, ErrTarget
	}
	t.Port = granted[i].Port
	return t, nil
}

// judge is the last word on an address, as it is dialled for a target that find
// gave, or a token stands for. An address that is listed is meant, whatever it
// is, and one that a token names too, but for this gateway itself. A name leads
// to public addresses, and localhost to the loopback (RFC 6761 §6.3), and not to
// this gateway.
func (p *Policy) judge(t Target, to netip.AddrPort) error {
	addr := to.Addr().Unmap()
	switch meant, err := netip.ParseAddr(t.Host); {
	case err == nil && meant != addr:
		return ErrAddress
	case slices.ContainsFunc(p.Targets, func(l Target) bool { return l.hasPort(to.Port()) && l.covers(addr) }):
		return nil
	case p.own(netip.AddrPortFrom(addr, to.Port())):
		return fmt.Errorf("%w, but this gateway's own", ErrAddress)
	case err == nil:
		return nil
	case addr.IsLoopback() && (t.Host == "localhost" || strings.HasSuffix(t.Host, ".localhost")):
		return nil
	case public.Safe(family(addr), netip.AddrPortFrom(addr.WithZone(""), to.Port()).String(), nil) != nil:
		return fmt.Errorf("%w: list it as %v if it is meant", ErrAddress, to)
	}
	return nil
}

// public knows the addresses of a special purpose (IANA's registries): private
// ones, the link's and a cloud's metadata there, those that hold another address
// within (NAT64, 6to4, Teredo), and no single host's. Beside them it denies what
// is not in these registries and does not lead outside.
var public = ssrf.New(ssrf.WithAnyPort(),
	ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")), // a cloud's own: Azure's WireServer
)

func family(addr netip.Addr) string {
	if addr.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// own tells whether this process listens there.
func (p *Policy) own(to netip.AddrPort) bool {
	return slices.ContainsFunc(p.Own, func(l netip.AddrPort) bool {
		at := l.Addr().Unmap()
		return l.Port() == to.Port() && (at == to.Addr() || at.IsUnspecified() && ours(to.Addr()))
	})
}

// ours tells whether an address is one of this machine's.
func ours(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	all, _ := net.InterfaceAddrs() // none are known then
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().Unmap() == addr
	})
}

// refusal is a failure by policy, as it is told to the page. Its code is
// EACCES, so that it never looks like a socket's own error.
func refusal(address string, port uint64) wire.Failure {
	return wire.Failure{Phase: wire.PhasePolicy, Code: "EACCES", Errno: 13, Syscall: "connect", Address: address, Port: port}
}
