package bridge

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Target is what pages may dial: a host at a port, or at a range of ports; a
// block of addresses at ports; or the path of a Unix socket. Targets are
// comparable; the same target has one form.
type Target struct {
	Host string // a name, an address, a block of addresses (10.0.0.0/8), or a path
	Port uint16 // the first; 0 for a path
	Last uint16 // the last, if there are more than one

	page bool // it is one because a page listens there
}

// ParseTarget reads "host:port", "host:first-last", "[v6]:port", a block of
// addresses in the host's place, or a path, which has a slash in it or starts
// with "@" (Linux's abstract names, unix(7)).
func ParseTarget(s string) (Target, error) {
	host, ports, err := net.SplitHostPort(s)
	block := err == nil && isBlock(host)
	url := strings.Contains(s, "://")
	front, _, _ := strings.Cut(strings.TrimPrefix(s, "["), "/")
	_, notAddr := netip.ParseAddr(front)
	switch {
	case notAddr == nil && isPath(s) && !block:
		return Target{}, errors.New("target " + strconv.Quote(s) + ": want a block of addresses as 10.0.0.0/8:5432 or [fd00::/8]:5432")
	case isPath(s) && !url && !block:
		return Target{Host: s}, nil
	case err != nil || url:
		return Target{}, errors.New("target " + strconv.Quote(s) + ": want host:port or the path of a Unix socket")
	}
	first, last, ranged := strings.Cut(ports, "-")
	t, err := newTarget(host, number(first))
	if err != nil {
		return Target{}, err
	}
	if ranged {
		if t.Last = uint16(number(last)); t.Last <= t.Port {
			return Target{}, errors.New("target " + strconv.Quote(s) + ": want its ports as first-last, from 1 to 65535")
		}
	}
	return t, nil
}

// number reads a port; 0 is none.
func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return n
}

func newTarget(host string, port uint64) (Target, error) {
	block := isBlock(host)
	if isPath(host) && !block {
		return Target{Host: host}, nil
	}
	if port == 0 || port > 65535 {
		return Target{}, errors.New("target " + strconv.Quote(host) + ": want a port from 1 to 65535")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	} else if block {
		host = netip.MustParsePrefix(host).Masked().String()
	}
	if host == "" {
		return Target{}, errors.New("target host is empty: want host:port")
	}
	return Target{Host: host, Port: uint16(port)}, nil
}

func isPath(s string) bool { return strings.Contains(s, "/") || strings.HasPrefix(s, "@") }

func isBlock(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}

// Unix tells whether the target is the path of a Unix socket.
func (t Target) Unix() bool { return isPath(t.Host) && !isBlock(t.Host) }

// Single tells whether the target is one thing to dial, as a default must be.
func (t Target) Single() bool { return t.Last == 0 && !isBlock(t.Host) }

func (t Target) String() string {
	if t.Unix() {
		return t.Host
	}
	ports := strconv.Itoa(int(t.Port))
	if t.Last > 0 {
		ports += "-" + strconv.Itoa(int(t.Last))
	}
	return net.JoinHostPort(t.Host, ports)
}

// UnmarshalText is [ParseTarget], for options and configuration files.
func (t *Target) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTarget(string(b))
	return err
}

// Lists tells whether what a page names, which is one target, is part of t.
func (t Target) Lists(asked Target) bool {
	return t == asked || t.hasPort(asked.Port) && (t.Host == asked.Host || t.holds(asked.Host))
}

func (t Target) hasPort(port uint16) bool {
	return port != 0 && t.Port <= port && port <= max(t.Port, t.Last)
}

// holds tells whether t is an address, or a block of them, that holds host.
func (t Target) holds(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && t.covers(addr)
}

// covers tells whether t names this address, as such or in a block. A zone is
// part of an address.
func (t Target) covers(addr netip.Addr) bool {
	if listed, err := netip.ParseAddr(t.Host); err == nil {
		return listed.Unmap() == addr.Unmap()
	}
	block, err := netip.ParsePrefix(t.Host)
	return err == nil && block.Contains(addr.Unmap())
}

// Numeric tells whether the target is an address, or a block of them: no name and
// no path.
func (t Target) Numeric() bool { return t.first().IsValid() }

// first is the address that t names, or the first of its block; zero if it names
// none.
func (t Target) first() netip.Addr {
	if block, err := netip.ParsePrefix(t.Host); err == nil {
		if first := block.Addr(); first != netip.AddrFrom4([4]byte{127}) {
			return first
		}
		return loopback4 // where programs look for this machine
	}
	addr, _ := netip.ParseAddr(t.Host)
	return addr
}
