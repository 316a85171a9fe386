package bridge

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"porthole/wire"
)

// dialect is a protocol that clients speak with a bridge. It judges the request of
// a client that may come, and tells how its session is to begin.
type dialect func(r *http.Request, user *Grant) (*opening, *refused)

// opening is how a session begins.
type opening struct {
	subprotocol string // that the answer names; empty for none
	whole       bool   // the session takes whole messages, rather than bytes as they come
	begin       func(ws *webSocket) (m member, run func())
}

// refused is why there is no session: a request that is wrong.
type refused struct {
	reason string // as it is counted
	status int
	error
}

// offers are the subprotocols that a client offers.
func offers(r *http.Request) (list []string) {
	for _, h := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(h, ",") {
			list = append(list, strings.TrimSpace(offer))
		}
	}
	return list
}

var errSubprotocol = errors.New("unknown WebSocket subprotocol: offer " + wire.Subprotocol + ", binary, or none")

// own is porthole.v1, or, with "binary" or without a subprotocol, raw mode.
func (b *Bridge) own(r *http.Request, user *Grant) (*opening, *refused) {
	list := offers(r)
	switch {
	case slices.Contains(list, wire.Subprotocol):
		return &opening{wire.Subprotocol, true, func(ws *webSocket) (member, func()) {
			s := newSession(b, user, ws)
			return s, s.run
		}}, nil
	case len(list) > 0 && !slices.Contains(list, "binary"):
		return nil, &refused{"subprotocol", http.StatusBadRequest, errSubprotocol}
	}
	o := &opening{}
	if len(list) > 0 {
		o.subprotocol = "binary"
	}
	target := r.URL.Query().Get("target")
	o.begin = func(ws *webSocket) (member, func()) {
		s := newRelay(b, ws, plain)
		return s, func() {
			s.run(func() (Target, *wire.Failure) { return b.listed(target, user) })
		}
	}
	return o, nil
}
