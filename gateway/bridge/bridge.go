// Package bridge gives web pages TCP sockets. A [Bridge] is an http.Handler: a
// page opens a WebSocket on it, and the bridge dials real sockets for the page,
// carries bytes both ways with flow control, and tells what the sockets did.
//
//	b := &bridge.Bridge{Policy: bridge.Policy{Targets: []bridge.Target{{Host: "localhost", Port: 1234}}}}
//	mux.Handle("/ws", b)
//
// With the subprotocol porthole.v1 (package wire) one WebSocket carries many
// sockets. Without one, or with "binary", it is one socket and nothing but
// bytes. [Bridge.Neon] is for clients of Neon's wsproxy, [Bridge.Websockify] for
// those of websockify, and [Bridge.Wisp] for those of Wisp. It reaches only the
// targets that its Policy lists, and serves only pages that the Policy lets in; the
// zero Policy is this machine's own pages and no target.
package bridge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"porthole/wire/tap"
)

// Bridge is an http.Handler for WebSocket upgrades. Its fields must not change
// once it serves. It owns the connections of its sessions; end it with
// [Bridge.Shutdown], because http.Server.Shutdown does not know them.
type Bridge struct {
	Policy Policy

	// Limits bound what clients and sessions may take.
	Limits Limits

	// Log takes the events of all sockets that the bridge dials and of those
	// that are told to Observe, and lets pages see the events of their own
	// connections. If nil, no socket is observed.
	Log *tap.Log

	// Open lets every page see all events that Observe is told, also those of
	// other clients: for a gateway that serves one machine.
	Open bool

	// Fleetwide lets every page see the events of all sockets, also clients' ends
	// that are not its own. Without, that is for those whose Grant says so.
	Fleetwide bool

	// Fleet is what the bridge knows of others like it. If nil, there are none.
	Fleet Fleet

	// Server is the server that streams lead to, for pages to steer: each its own
	// connections and, if the bridge is open, the server itself. If nil, pages
	// steer nothing.
	Server Server

	// Accepted numbers the connections that pages accept, and those of other
	// servers in this process that use it too (tap.Server).
	Accepted atomic.Uint64

	// Resolver resolves the names of targets. If nil, net.DefaultResolver.
	Resolver *net.Resolver

	// Dialled is told how each dial of a listed target went: in which phase it
	// ended ([wire.Phase]), with which POSIX name, which is empty if it has a
	// socket, and how long it took. It must not block. If nil, no one is told.
	Dialled func(phase, code string, took time.Duration)

	// Authenticate tells what the client that asks for an upgrade may do, or, as
	// an error that the client is told, that it has not shown who it is. If nil,
	// whoever the policy lets in may do all.
	Authenticate func(r *http.Request) (*Grant, error)

	// Password tells what the client of a dialect may do that asks for a user and his
	// password, where the request has not shown Authenticate who it is; nil if they
	// are no one's. If nil, no dialect asks.
	Password func(user, password string) *Grant

	// Logger gets a line for each session's start and end and each refusal.
	// If nil, nothing is logged.
	Logger *slog.Logger

	mu       sync.Mutex
	limits   *Limits // as they are in force; nil until the first request
	sessions map[member]*pass
	entered  int            // passes, those of sessions that are not yet among them too
	users    map[string]int // sessions of each
	clients  clients
	targets  map[Target]int // sockets to each
	pages    pages          // that listen
	sweeper  *time.Timer    // nil while there is no session
	leaving  bool
	over     bool           // the grace too
	running  sync.WaitGroup // one for each session
	refused  map[string]uint64

	up, down uint64 // bytes of sessions that have ended

	conns   atomic.Uint64 // connections numbered so far
	streams atomic.Int64  // streams that are open
	stalls  atomic.Uint64
	lost    atomic.Uint64

	routes routes
}

// member is a session of either kind.
type member interface {
	// leave tells the page why the gateway ends the session, and ends it.
	leave(code int, why string)
	// cut ends it at once.
	cut()
	// bytes are those for its sockets, and from them.
	bytes() (up, down uint64)
	// look tells which limit in time the session has outlived, or that a ping is
	// due; "" is neither.
	look(now time.Time, l *Limits) string
	// ping asks whether the page is there.
	ping()
}

// Stats is what a bridge is doing, and what it has done.
type Stats struct {
	Sessions int // WebSockets now
	Streams  int // sockets of porthole.v1 sessions now

	BytesUp   uint64 // from pages, taken by kernels
	BytesDown uint64 // from sockets
	Stalls    uint64 // how often a socket was not read, for its page had no credit left
	Lost      uint64 // events that pages were too slow for

	// Refused is how often what was asked for was refused, or a session ended for
	// what it did, by reason: "host", "origin", "target", "idle", …
	Refused map[string]uint64
}

// Stats counts. The map is the caller's.
func (b *Bridge) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{
		Sessions: b.entered, Streams: int(b.streams.Load()),
		BytesUp: b.up, BytesDown: b.down,
		Stalls: b.stalls.Load(), Lost: b.lost.Load(),
		Refused: map[string]uint64{},
	}
	for m := range b.sessions {
		up, down := m.bytes()
		s.BytesUp += up
		s.BytesDown += down
	}
	maps.Copy(s.Refused, b.refused)
	return s
}

// ServeHTTP judges the request, upgrades it, and returns: the session goes on by
// itself, so that nothing of the request is kept for it. A refusal before the
// upgrade is 421 (a Host that is not ours), 403 (an Origin that may not), 401 (no
// one has shown who he is), 400 (a subprotocol unknown here), 429 (a client has its share) or 503 (the gateway is
// full, or leaving).
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.serve(w, r, b.own) }

// serve is ServeHTTP for the clients of a dialect.
func (b *Bridge) serve(w http.ResponseWriter, r *http.Request, as dialect) {
	b.serveTo(w, r, as, b.Authenticate)
}

// serveTo is serve for clients who show in another way who they are.
func (b *Bridge) serveTo(w http.ResponseWriter, r *http.Request, as dialect, authenticate func(*http.Request) (*Grant, error)) {
	if err := b.Policy.CheckHost(r); err != nil {
		b.Refuse(w, r, "host", http.StatusMisdirectedRequest, err)
		return
	}
	asks := authenticate != nil
	program := r.Header.Values("Origin") == nil // it shows who it is instead
	if err := b.Policy.CheckOrigin(r); err != nil && !(asks && program) {
		b.Refuse(w, r, "origin", http.StatusForbidden, err)
		return
	}
	var user *Grant
	if asks {
		var err error
		if user, err = authenticate(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750 §3
			b.Refuse(w, r, "access", http.StatusUnauthorized, err)
			return
		}
	}
	o, no := as(r, user)
	if no != nil {
		b.Refuse(w, r, no.reason, no.status, no)
		return
	}
	p, full := b.enter(r, user)
	if full != nil {
		w.Header().Set("Retry-After", full.retry)
		b.Refuse(w, r, full.reason, full.status, full)
		return
	}
	conn, early, err := upgrade(w, r, o.subprotocol)
	if err != nil {
		b.mu.Lock()
		b.exit(p)
		b.mu.Unlock()
		b.running.Done()
		b.count("handshake")
		b.logger().Debug("no upgrade", "peer", r.RemoteAddr, "error", err)
		return
	}
	user.tell(b.logger()).Info("session begins", "peer", p.peer)
	l := b.inForce()
	bound(conn, l)
	ws := newWebSocket(conn, early, o.whole, b.Log != nil)
	ws.most = l.Message
	if p.client.IsValid() {
		ws.throttle = newThrottle(l)
	}
	m, run := o.begin(ws)
	go b.host(m, p, run)
}

// host runs a session that enter let in, while Shutdown can reach it. It and what
// it calls until a session waits take little of the stack: a goroutine begins
// with 2 KiB, and what it grows by stays.
func (b *Bridge) host(m member, p *pass, run func()) {
	defer b.running.Done()
	b.admit(m, p)
	run()
	b.dismiss(m)
}

// Shutdown refuses new sessions, tells every page and closes its WebSocket with
// 1001, all at once, and waits for the sessions to end. When ctx ends first,
// what is left is cut and Shutdown returns the context's error. A Bridge that
// was shut down stays so.
func (b *Bridge) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	b.leaving = true
	for m := range b.sessions {
		b.running.Go(func() { m.leave(closeGoingAway, leaving) })
	}
	b.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		b.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	b.over = true
	for m := range b.sessions {
		b.running.Go(m.cut)
	}
	b.mu.Unlock()
	<-ended
	return ctx.Err()
}

// Refuse answers a request in plain words, those of err, and logs and counts why:
// for the routes beside the bridge's, too.
func (b *Bridge) Refuse(w http.ResponseWriter, r *http.Request, reason string, status int, err error) {
	b.count(reason)
	b.logger().Warn("request refused", "reason", reason, "peer", r.RemoteAddr, "host", tap.Text([]byte(r.Host)), "origin", tap.Text([]byte(r.Header.Get("Origin"))))
	http.Error(w, err.Error(), status)
}

func (b *Bridge) count(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tally(reason)
}

// tally is count for who holds mu.
func (b *Bridge) tally(reason string) {
	if b.refused == nil {
		b.refused = map[string]uint64{}
	}
	b.refused[reason]++
}

// punish ends a session that broke the protocol with what it broke, for err that
// says so.
func (b *Bridge) punish(sock socket, err error) {
	if rule, ok := errors.AsType[*violation](err); ok {
		b.count("protocol")
		b.logger().Warn("session broke the protocol", "error", rule)
		sock.Close(rule.code, rule.text)
	}
}

func (b *Bridge) logger() *slog.Logger {
	if b.Logger != nil {
		return b.Logger
	}
	return slog.New(slog.DiscardHandler)
}
