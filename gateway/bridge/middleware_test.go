package bridge_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// wrapped is the writer of a middleware: of all that the one within can do it
// offers only Unwrap.
type wrapped struct{ w http.ResponseWriter }

func (w wrapped) Header() http.Header         { return w.w.Header() }
func (w wrapped) Write(p []byte) (int, error) { return w.w.Write(p) }
func (w wrapped) WriteHeader(status int)      { w.w.WriteHeader(status) }
func (w wrapped) Unwrap() http.ResponseWriter { return w.w }

func wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrapped{w}, r) })
}

func TestBehindWriters(t *testing.T) {
	host := serve(t, to(peer(t, greet)), wrap, wrap)
	s := open(t, host).dial(wire.Dial{})
	s.send([]byte("v1"))
	s.receive(len("你好v1"))
	r := openRaw(t, host, "")
	r.send(1, "raw")
	r.receive(len("你好raw"))
}

// A router's time limit ends the request's context; a session goes on.
func TestRequestContextEnds(t *testing.T) {
	ended := make(chan struct{})
	host := serve(t, to(peer(t, greet)), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			close(ended)
			h.ServeHTTP(w, r.WithContext(ctx))
		})
	})
	p := open(t, host)
	<-ended
	for range 2 {
		s := p.dial(wire.Dial{})
		s.send([]byte("late"))
		s.receive(len("你好late"))
	}
}

// A writer that cannot be taken over is answered in HTTP.
func TestBehindTimeoutHandler(t *testing.T) {
	b := &bridge.Bridge{}
	host := serve(t, b, func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Hour, "late") })
	status, _, _ := ask(t, host, "localhost", nil)
	if want := http.StatusNotImplemented; status != want {
		t.Errorf("status %d, want %d", status, want)
	}
	if got := b.Stats(); got.Refused["handshake"] != 1 || got.Sessions != 0 {
		t.Errorf("%d refusals and %d sessions, want 1 and none", got.Refused["handshake"], got.Sessions)
	}
}
