package bridge

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"porthole/wire"
)

// Neon serves clients of Neon's wsproxy, as its driver is one: a WebSocket is one TCP
// socket of the bridge's targets, which ?address= names; without, it is the default
// target. One that is not listed is refused before the upgrade, with 400, as there. What
// a client sends before there is a socket waits for it, in order.
func (b *Bridge) Neon() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, b.neon) })
}

// neonTerms say what wsproxy says when the server has ended. Of a failure it says
// nothing, so what it is called is up to us.
var neonTerms = &terms{failed: plain.failed, ended: "TCP connection is closed"}

var errNeon = errors.New("unknown WebSocket subprotocol: offer none, or binary beside a ticket")

// neon is the dialect.
func (b *Bridge) neon(r *http.Request, user *Grant) (*opening, *refused) {
	o := &opening{}
	if list := offers(r); slices.Contains(list, "binary") {
		o.subprotocol = "binary" // a browser that offers one wants one
	} else if len(list) > 0 {
		return nil, &refused{"subprotocol", http.StatusBadRequest, errNeon}
	}
	address := r.URL.Query().Get("address")
	t, err := neonTarget(address)
	if err == nil {
		t, err = b.find(nil, t.Host, uint64(t.Port), user)
	}
	if err != nil {
		user.tell(b.logger()).Warn("target refused", "target", shorten(address))
		return nil, &refused{"target", http.StatusBadRequest, ErrTarget}
	}
	o.begin = func(ws *webSocket) (member, func()) {
		s := newRelay(b, ws, neonTerms)
		return s, func() { s.run(func() (Target, *wire.Failure) { return t, nil }) }
	}
	return o, nil
}

// neonTarget reads an address as drivers have it: an IPv6 one in front of its port is
// without brackets, and without a port it is PostgreSQL's. An empty one is the zero
// Target.
func neonTarget(address string) (Target, error) {
	if t, err := ParseTarget(address); err == nil || address == "" {
		return t, nil
	}
	host, port := address, "5432"
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		if _, err := netip.ParseAddr(address[:i]); err == nil {
			host, port = address[:i], address[i+1:]
		}
	}
	return ParseTarget(net.JoinHostPort(strings.Trim(host, "[]"), port))
}
