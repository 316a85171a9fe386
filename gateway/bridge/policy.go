package bridge

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
	// ErrAddress: a target's name resolved to an address that no name may reach.
	ErrAddress = errors.New("the target's name leads to a forbidden address")
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
	// Targets may be dialled; the first is the default.
	Targets []Target
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
	case len(origins) == 0 && fromLoopback(r):
		return nil
	case len(origins) != 1:
		return ErrOrigin
	case slices.ContainsFunc(p.Origins, func(o string) bool { return strings.EqualFold(o, origins[0]) }):
		return nil
	default:
		o, err := url.Parse(origins[0])
		if err != nil || o.Scheme != scheme(r) || !strings.EqualFold(o.Host, r.Host) {
			return ErrOrigin
		}
		return nil
	}
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// hostname is the host of a Host header, its port and brackets gone.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func fromLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// find is the listed target that a page names: the first if it names none.
func (p *Policy) find(host string, port uint64) (Target, error) {
	if host == "" && port == 0 && len(p.Targets) > 0 {
		return p.Targets[0], nil
	}
	t, err := newTarget(host, port)
	if err != nil || !slices.Contains(p.Targets, t) {
		return Target{}, ErrTarget
	}
	return t, nil
}

// judge is the last word on an address, as it is dialled: what the operator
// listed as an address is what he meant; a name must not lead to the loopback
// (but for localhost, RFC 6761 §6.3), to the link and a cloud's metadata there,
// or to no single host.
func (t Target) judge(addr netip.Addr) error {
	addr = addr.Unmap()
	if listed, err := netip.ParseAddr(t.Host); err == nil {
		if addr == listed.Unmap() {
			return nil
		}
		return ErrAddress
	}
	switch {
	case addr.IsLoopback():
		if t.Host == "localhost" || strings.HasSuffix(t.Host, ".localhost") {
			return nil
		}
		return ErrAddress
	case !addr.IsGlobalUnicast(): // unspecified, multicast, link-local, broadcast
		return ErrAddress
	}
	return nil
}

// Target is what a page may dial: a host and port, or the path of a Unix
// socket. Targets are comparable; the same target has one form.
type Target struct {
	Host string // a name, an address, or a path
	Port uint16 // 0 for a path
}

// ParseTarget reads "host:port", "[v6]:port", or a path, which has a slash in
// it or starts with "@" (Linux's abstract names, unix(7)).
func ParseTarget(s string) (Target, error) {
	url := strings.Contains(s, "://")
	if isPath(s) && !url {
		return Target{Host: s}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || url {
		return Target{}, errors.New("target " + strconv.Quote(s) + ": want host:port or the path of a Unix socket")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Target{}, errors.New("target " + strconv.Quote(s) + ": want a port from 1 to 65535")
	}
	return newTarget(host, n)
}

func newTarget(host string, port uint64) (Target, error) {
	if isPath(host) {
		return Target{Host: host}, nil
	}
	if port == 0 || port > 65535 {
		return Target{}, errors.New("target " + strconv.Quote(host) + ": want a port from 1 to 65535")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	}
	if host == "" {
		return Target{}, errors.New("target host is empty: want host:port")
	}
	return Target{Host: host, Port: uint16(port)}, nil
}

func isPath(s string) bool { return strings.Contains(s, "/") || strings.HasPrefix(s, "@") }

// Unix tells whether the target is the path of a Unix socket.
func (t Target) Unix() bool { return isPath(t.Host) }

func (t Target) String() string {
	if t.Unix() {
		return t.Host
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// UnmarshalText is [ParseTarget], for options and configuration files.
func (t *Target) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTarget(string(b))
	return err
}

// refusal is a failure by policy, as it is told to the page. Its code is
// EACCES, so that it never looks like a socket's own error.
func refusal(address string, port uint64) wire.Failure {
	return wire.Failure{Phase: wire.PhasePolicy, Code: "EACCES", Errno: 13, Syscall: "connect", Address: address, Port: port}
}
