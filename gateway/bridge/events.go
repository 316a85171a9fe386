package bridge

import (
	"sync"
	"sync/atomic"
	"time"

	"porthole/wire"
)

// routes brings the events of server ends to the sessions that may see them.
type routes struct {
	mu         sync.Mutex
	watchers   map[*session]bool     // that may see all servers' ends; true: clients' too
	owners     map[ends]*owner       // whose connection it is, seen from the server
	listeners  map[string]wire.Event // the listeners that are up
	spectators atomic.Int64          // of clients' ends
}

// ends are the addresses of a connection as its server sees them.
type ends struct{ local, remote string }

// owner is one connection's: a session may have the same addresses twice.
type owner struct{ s *session }

// maxListeners bounds what is kept of listeners; a watched process says what
// it likes.
const maxListeners = 64

// Observe takes an event of a socket that the bridge did not dial: of a server
// at the other end. Its sequence number becomes the log's. The page whose
// connection it is sees it, and every page if the bridge is open. A client's
// event is another gateway's, whose numbers would pass for ours: no page sees it.
func (b *Bridge) Observe(e wire.Event) { b.observe(e, nil) }

// observe takes an event of a server that is this session's, if there is one.
func (b *Bridge) observe(e wire.Event, server *session) {
	if b.Log == nil {
		return
	}
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	b.Log.Put(&e)
	if e.Side == wire.Server {
		b.route(&e, server)
	}
}

// Import takes an event of another member of the fleet, whose connections have
// numbers that are no one else's. Whoever may watch sees it, and the page whose
// connection it is the server's end of.
func (b *Bridge) Import(e wire.Event) {
	if b.Log == nil {
		return
	}
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	b.Log.Import(&e)
	b.route(&e, nil)
}

// route shows an event to those who may see it. routes.mu is held.
func (b *Bridge) route(e *wire.Event, server *session) {
	r := &b.routes
	if e.Listener() {
		r.list(*e)
	}
	for s, all := range r.watchers {
		if all || e.Side == wire.Server {
			s.feed.add(e)
		}
	}
	if e.Side != wire.Server {
		return
	}
	if _, watches := r.watchers[server]; server != nil && !watches {
		server.feed.add(e)
	}
	if o := r.owners[ends{e.Local, e.Remote}]; o != nil && o.s != server {
		o.s.feed.add(e)
	}
}

// share shows an event of a client's end to those who may see all, but for the
// session whose it is.
func (b *Bridge) share(e *wire.Event, of *session) {
	r := &b.routes
	if r.spectators.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, all := range r.watchers {
		if all && s != of {
			s.feed.add(e)
		}
	}
}

// spectates tells whether a session may see all, and watches whether all servers'
// ends.
func (b *Bridge) spectates(s *session) bool { return b.Fleetwide || s.user != nil && s.user.Watch }
func (b *Bridge) watches(s *session) bool   { return b.Open || b.spectates(s) }

// ObserveLost notes that n events never reached Observe, or Import.
func (b *Bridge) ObserveLost(n uint64) {
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.watchers {
		s.feed.lose(n)
	}
}

func (r *routes) list(e wire.Event) {
	switch {
	case e.Kind == wire.Close, e.Kind == wire.CallClose:
		delete(r.listeners, e.Local)
	case e.Kind == wire.Listening && len(r.listeners) < maxListeners:
		if r.listeners == nil {
			r.listeners = map[string]wire.Event{}
		}
		r.listeners[e.Local] = e
	}
}

// join lets a session see events from now on, and which listeners are up.
func (b *Bridge) join(s *session) {
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers == nil {
		r.watchers, r.owners = map[*session]bool{}, map[ends]*owner{}
	}
	if b.watches(s) {
		all := b.spectates(s)
		if r.watchers[s] = all; all {
			r.spectators.Add(1)
		}
		for _, e := range r.listeners {
			s.feed.add(&e)
		}
	}
}

func (b *Bridge) quit(s *session) {
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers[s] {
		r.spectators.Add(-1)
	}
	delete(r.watchers, s)
}

// mark is where the log is now, for claim.
func (b *Bridge) mark() uint64 {
	if b.Log == nil {
		return 0
	}
	return b.Log.Last()
}

// claim makes a connection, as its client sees it, the session's. The server
// may have told of it before the dial returned: what came after since is passed
// on. And its last events come after the client's, so once it is released it is
// kept for a while.
func (b *Bridge) claim(s *session, local, remote string, since uint64) (release func()) {
	if b.Log == nil || b.watches(s) {
		return func() {}
	}
	at, mine := ends{local: remote, remote: local}, &owner{s}
	r := &b.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owners[at] = mine
	var e [16]wire.Event
	for n, lost := -1, uint64(0); n != 0; since += lost + uint64(n) {
		n, lost = b.Log.Since(since, e[:])
		for i := range e[:n] {
			if e[i].Side == wire.Server && at == (ends{e[i].Local, e[i].Remote}) {
				s.feed.add(&e[i])
			}
		}
	}
	return func() { time.AfterFunc(linger, func() { r.forget(at, mine) }) }
}

func (r *routes) forget(at ends, o *owner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owners[at] == o { // the addresses may be another's by now
		delete(r.owners, at)
	}
}

// linger is how long a server may take to note that its client has gone.
const linger = 10 * time.Second
