package view

import (
	"bytes"
	"strings"

	"porthole/wire"
)

// Filter says which events matter. The zero Filter lets all through.
type Filter struct {
	Text string // in names, codes, addresses and hosts, whatever its case, or in the data
	Kind FilterKind
	Side wire.Side // 0 for both
	Hide bool      // what does not matter has no line; otherwise it is dimmed
}

// FilterKind is a sort of events.
type FilterKind uint8

// The order is the page's.
const (
	AllKinds  FilterKind = iota
	DataKinds            // what moved bytes
	Lifecycle            // the rest
)

// sieve is the filter at work. Each row is judged once, when it comes, and
// again when the filter changes.
type sieve struct {
	filter  Filter
	lower   string
	text    []byte
	names   [64]bool // kinds that have the text in their names
	matches int
	stale   bool
	address string // of the followed pair's server
}

// Filter sets the filter. What is selected stays so.
func (v *View) Filter(f Filter) {
	s := &v.Store.sieve
	if f == s.filter {
		return
	}
	s.filter, s.stale = f, true
	s.lower, s.text = wire.Fold(f.Text), []byte(f.Text)
	for k := range s.names {
		s.names[k] = strings.Contains(wire.Fold(wire.Kind(k).String()), s.lower)
	}
	v.Store.version++
}

// Choose follows one connection: only its events have lines. 0 follows all.
func (v *View) Choose(number int) {
	s := &v.Store
	was := s.pairs.chosen
	s.pairs.chosen = s.pairs.numbers[number]
	if s.pairs.chosen == was {
		return
	}
	if was != nil {
		s.pairs.forget(was)
	}
	s.sieve.stale = true
	s.version++
}

// Chosen is the connection that is followed, nil for all.
func (v *View) Chosen() *Pair { return v.Store.pairs.chosen }

// keep judges all rows anew if the filter is another now.
func (f *sieve) keep(s *Store) {
	if p := s.pairs.chosen; p != nil && p.address() != f.address {
		f.address, f.stale = p.address(), true // its listener's events count too
	}
	if !f.stale {
		return
	}
	f.stale, f.matches = false, 0
	for i := range s.origins.entries {
		o := &s.origins.entries[i]
		o.hit = f.addresses(o.local, o.remote)
	}
	for pos := s.base; pos < s.end(); pos++ {
		r := s.at(pos)
		f.judge(s, r, s.pairOf(r))
	}
	s.layout.stale = true
}

// judge tells whether a row matters, and whether it has a line.
func (f *sieve) judge(s *Store, r *row, p *Pair) {
	r.flags &^= rowHit | rowShown
	if !r.event() {
		r.flags |= rowHit | rowShown
		return
	}
	hit := f.hit(s, r)
	if hit {
		r.flags |= rowHit
	}
	if f.follows(s, r, p) && (hit || !f.filter.Hide) {
		r.flags |= rowShown
		if hit {
			f.matches++
		}
	}
}

// drop forgets a row.
func (f *sieve) drop(r *row) {
	if r.flags&(rowHit|rowShown) == rowHit|rowShown {
		f.matches--
	}
}

func (f *sieve) hit(s *Store, r *row) bool {
	switch {
	case f.filter.Side != 0 && r.side != f.filter.Side:
		return false
	case f.filter.Kind == DataKinds && !r.moves(), f.filter.Kind == Lifecycle && r.moves():
		return false
	case f.lower == "" || f.names[r.kind%64] || s.origins.entries[r.origin].hit:
		return true
	}
	if w := s.words.value(r.word); r.word != 0 && (f.in(w.code) || f.in(w.syscall) || f.in(w.host)) {
		return true
	}
	return bytes.Contains(s.arena.get(r.data, int(r.kept)), f.text)
}

// in tells whether a word has the text.
func (f *sieve) in(word string) bool { return strings.Contains(wire.Fold(word), f.lower) }

func (f *sieve) addresses(local, remote string) bool {
	return f.lower != "" && (f.in(local) || f.in(remote))
}

// follows tells whether an event is of the followed pair, or of the listener
// that its server's end came from.
func (f *sieve) follows(s *Store, r *row, p *Pair) bool {
	chosen := s.pairs.chosen
	if chosen == nil || p == chosen {
		return true
	}
	return p == nil && r.side == wire.Server && listens(s.origins.entries[r.origin].local, chosen.address())
}

// Server is what is known of a listener.
type Server uint8

// The order is the page's.
const (
	Unknown Server = iota
	Listening
	Closing // it takes no more connections; those that are there go on
	Gone
)

// listener is one, as it was told last.
type listener struct {
	address string
	at      int64
	state   Server
}

// maxListeners bounds how many listeners are remembered.
const maxListeners = 64

// listen keeps what an event says of its listener.
func (s *Store) listen(e *wire.Event) {
	var state Server
	switch e.Kind {
	case wire.Listening:
		state = Listening
	case wire.CallClose:
		state = Closing
	case wire.Close:
		state = Gone
	default:
		return
	}
	for i := range s.listeners {
		if l := &s.listeners[i]; l.address == e.Local {
			// One that was not closed is another server's, which listens there now:
			// what the last connection of the one before it says is not of it.
			if e.At() >= l.at && !(state == Gone && l.state == Listening) {
				l.at, l.state = e.At(), state
			}
			return
		}
	}
	if len(s.listeners) == maxListeners {
		s.listeners = append(s.listeners[:0], s.listeners[1:]...)
	}
	s.listeners = append(s.listeners, listener{e.Local, e.At(), state})
}

// server is what is known of the listener that a pair is on, or, with none, of
// the one that was told of last.
func (s *Store) server(p *Pair) Server {
	var newest listener
	for _, l := range s.listeners {
		if p != nil && p.address() != "" && !listens(l.address, p.address()) {
			continue
		}
		if l.at >= newest.at {
			newest = l
		}
	}
	return newest.state
}

// listens tells whether a connection to an address is one to a listener. That
// may be on all addresses of its host; and a dial that failed knows no address,
// but the name that was dialled.
func listens(listener, address string) bool {
	if listener == address {
		return address != ""
	}
	i, j := strings.LastIndexByte(listener, ':'), strings.LastIndexByte(address, ':')
	return i >= 0 && j >= 0 && listener[i:] == address[j:] && (anywhere(listener[:i]) || anywhere(address[:j]))
}

// anywhere tells whether a host is more than one address: all of them, or a
// name.
func anywhere(host string) bool {
	switch host {
	case "", "0.0.0.0", "[::]":
		return true
	}
	return host[0] != '[' && strings.ContainsFunc(host, func(r rune) bool { return r > '9' })
}
