package capture

import (
	"encoding/binary"
	"strings"
)

// address is one end of a TCP connection. Package net/netip would add 15 KB to
// the page for it.
type address struct {
	ip   []byte // 4 or 16 bytes; nil for what is no address
	port uint16
}

// parseAddress reads "1.2.3.4:5" or "[::1%eth0]:5", as a kernel tells them.
func parseAddress(s string) address {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return address{}
	}
	port, ok := whole(s[at+1:])
	host := s[:at]
	var ip []byte
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		inner, _, _ = strings.Cut(inner, "%")
		if closed {
			ip = parse6(inner)
		}
	} else {
		ip = parse4(host)
	}
	if !ok || port > 0xffff || ip == nil {
		return address{}
	}
	return address{ip, uint16(port)}
}

// parse4 reads four decimal bytes, nil if it cannot.
func parse4(s string) []byte {
	var ip []byte
	for part := range strings.SplitSeq(s, ".") {
		n, ok := whole(part)
		if !ok || n > 255 {
			return nil
		}
		ip = append(ip, byte(n))
	}
	if len(ip) != 4 {
		return nil
	}
	return ip
}

// parse6 reads an IPv6 address (RFC 4291 §2.2), nil if it cannot.
func parse6(s string) []byte {
	head, tail, gap := strings.Cut(s, "::")
	front, okFront := groups(head)
	back, okBack := groups(tail)
	missing := 16 - len(front) - len(back)
	if !okFront || !okBack || gap && missing < 2 || !gap && missing != 0 {
		return nil
	}
	return append(append(front, make([]byte, missing)...), back...)
}

// groups reads what stands on one side of "::".
func groups(s string) (ip []byte, ok bool) {
	if s == "" {
		return nil, true
	}
	for part := range strings.SplitSeq(s, ":") {
		if v4 := parse4(part); v4 != nil {
			ip = append(ip, v4...)
			continue
		}
		n, okHex := fromHex(part)
		if !okHex {
			return nil, false
		}
		ip = binary.BigEndian.AppendUint16(ip, uint16(n))
	}
	return ip, true
}
