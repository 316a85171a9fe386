package bridge

import (
	"errors"
	"net/http"
	"slices"

	"porthole/wire"
)

// Websockify is an http.Handler for clients of websockify, as noVNC is one: a
// WebSocket with the subprotocol "binary", or none, is one TCP socket, in binary
// messages.
//
// If tokens is nil, it leads to the default target. Else it leads where tokens
// says that its ?token= does, which must be a single target and need not be one
// of the policy's: who has the token may dial it, if he may come at all, and if
// he has targets of his own it is one of them. tokens must not block; it may be
// called by many at once.
func (b *Bridge) Websockify(tokens func(token string) (Target, bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.serve(w, r, func(r *http.Request, user *Grant) (*opening, *refused) {
			return b.websockify(r, user, tokens)
		})
	})
}

// websockifyTerms are the words of websockify, where it has some.
var websockifyTerms = &terms{
	failed: func(f *wire.Failure) (int, string) {
		if f.Phase == wire.PhaseResolve || f.Phase == wire.PhaseDial {
			return closeInternal, "Failed to connect to downstream server: " + f.Code
		}
		return plain.failed(f)
	},
	ended: "Target closed",
}

var errNotBinary = errors.New("unknown WebSocket subprotocol: offer binary, or none")

// websockify is the dialect of websockify.
func (b *Bridge) websockify(r *http.Request, user *Grant, tokens func(string) (Target, bool)) (*opening, *refused) {
	o := &opening{}
	if list := offers(r); slices.Contains(list, "binary") {
		o.subprotocol = "binary"
	} else if len(list) > 0 {
		return nil, &refused{"subprotocol", http.StatusBadRequest, errNotBinary}
	}
	find := func() (Target, *wire.Failure) { return b.listed("", user) }
	if tokens != nil {
		token := r.URL.Query().Get("token")
		find = func() (Target, *wire.Failure) { return b.redeem(token, user, tokens) }
	}
	o.begin = func(ws *webSocket) (member, func()) {
		ws.binary = true
		s := newRelay(b, ws, websockifyTerms)
		return s, func() { s.run(find) }
	}
	return o, nil
}

// redeem is the target that a token stands for. Why there is none is not told: a
// page does not learn which tokens there are.
func (b *Bridge) redeem(token string, user *Grant, tokens func(string) (Target, bool)) (Target, *wire.Failure) {
	t, ok := tokens(token)
	if !ok || !t.Single() || !lists(user.of([]Target{t}), t) {
		b.count("token")
		user.tell(b.logger()).Warn("token refused", "token", shorten(token))
		f := refusal("", 0)
		return Target{}, &f
	}
	return t, nil
}
