package bridge

import (
	"net"
	"net/http"
	"strings"

	"porthole/wire"
)

// neonPort is the one of an address without: what these clients speak is
// PostgreSQL.
const neonPort = "5432"

// neonTerms are those of Neon's wsproxy, which says nothing of a socket that it
// cannot have; drivers show the reason.
var neonTerms = &terms{failed: plain.failed, ended: "TCP connection is closed"}

// Neon serves clients of Neon's wsproxy: one WebSocket is one TCP socket, to the
// target that ?address names, host:port, or else the default one. One that may not
// be dialled is refused before the upgrade, with 400. What a client sends before
// there is a socket waits in the kernel.
func (b *Bridge) Neon() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, b.neon) })
}

// neon is the dialect. It knows no subprotocol.
func (b *Bridge) neon(r *http.Request, user *Grant) (*opening, *refused) {
	name := r.URL.Query().Get("address")
	if _, _, err := net.SplitHostPort(name); err != nil && name != "" {
		name = net.JoinHostPort(strings.Trim(name, "[]"), neonPort)
	}
	var t Target
	var err error
	if name != "" {
		t, err = ParseTarget(name)
	}
	if err == nil {
		t, err = b.find(nil, t.Host, uint64(t.Port), user)
	}
	if err != nil {
		user.tell(b.logger()).Warn("target refused", "target", shorten(name))
		return nil, &refused{"target", http.StatusBadRequest, ErrTarget}
	}
	return &opening{begin: func(ws *webSocket) (member, func()) {
		s := newRelay(b, ws, neonTerms)
		return s, func() { s.run(func() (Target, *wire.Failure) { return t, nil }) }
	}}, nil
}
