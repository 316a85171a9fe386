package capture

import (
	"cmp"
	"slices"

	"porthole/wire"
)

// connection is one connection of a capture. An end that was not seen is nil.
type connection struct {
	number         int // from 1, in the order in which they were first seen
	client, server *end
}

// end is one end of a connection, and the events of it that moved bytes.
type end struct {
	of          *connection
	side        wire.Side
	address     mirror
	first, last int64 // when it was seen
	approx      bool
	over        bool // it has told close
	reads       []*wire.Event
	writes      []*wire.Event
}

// mirror is a connection's addresses; both ends have the same.
type mirror struct{ client, server string }

func (m mirror) known() bool { return m.client != "" && m.server != "" }

func addresses(e *wire.Event) mirror {
	if e.Side == wire.Server {
		return mirror{e.Remote, e.Local}
	}
	return mirror{e.Local, e.Remote}
}

// other is the other end, nil if it was not seen.
func (e *end) other() *end {
	if e.side == wire.Server {
		return e.of.client
	}
	return e.of.server
}

// connections finds the end that each event is of, nil for a listener's and for
// a gap, and which ends belong together.
func connections(all []moment) (ends []*end, found []*connection) {
	ends = make([]*end, len(all))
	var seen []*end
	type key struct {
		side    wire.Side
		conn    uint64
		address mirror
	}
	live := map[key]*end{}
	for i, m := range all {
		e := m.Event
		if e == nil || e.Listener() {
			continue
		}
		k := key{e.Side, e.Conn, addresses(e)}
		if e.Side == wire.Client { // it is known by its number before it has addresses
			k.address = mirror{}
		}
		s := live[k]
		if s == nil || s.over || s.address.known() && addresses(e).known() && s.address != addresses(e) {
			s = &end{side: e.Side, first: m.at}
			live[k] = s
			seen = append(seen, s)
		}
		s.note(e, m.at)
		ends[i] = s
	}
	return ends, match(seen)
}

func (s *end) note(e *wire.Event, at int64) {
	s.last = at
	s.approx = s.approx || e.Approx
	a := addresses(e)
	s.address = mirror{cmp.Or(a.client, s.address.client), cmp.Or(a.server, s.address.server)}
	switch e.Kind {
	case wire.Close:
		s.over = true
	case wire.Data:
		s.reads = append(s.reads, e)
	case wire.CallWrite:
		s.writes = append(s.writes, e)
	}
}

// match joins ends with the same addresses. These come again, when a port is
// used again and for every client of a Unix socket: then the first is meant that
// was not over before, as far as the clocks are one.
func match(seen []*end) (found []*connection) {
	clients := map[mirror][]*end{}
	for _, s := range seen {
		if s.side == wire.Client && s.address.known() {
			clients[s.address] = append(clients[s.address], s)
		}
	}
	for _, s := range seen {
		if s.side != wire.Server || !s.address.known() {
			continue
		}
		waiting := clients[s.address]
		for len(waiting) > 0 && waiting[0].before(s) {
			waiting = waiting[1:]
		}
		if len(waiting) > 0 && !s.before(waiting[0]) {
			s.of = &connection{client: waiting[0], server: s}
			waiting[0].of = s.of
			waiting = waiting[1:]
		}
		clients[s.address] = waiting
	}
	for _, s := range seen {
		if s.of == nil {
			s.of = &connection{}
			if s.side == wire.Client {
				s.of.client = s
			} else {
				s.of.server = s
			}
		}
		if s.of.number == 0 {
			found = append(found, s.of)
			s.of.number = len(found)
		}
	}
	return found
}

// before tells whether s was over when the other was first seen.
func (s *end) before(other *end) bool {
	return s.over && s.last < other.first && !s.approx && !other.approx
}

// overlapping are the events, in the order of the stream, that moved some of
// the bytes that e moved.
func overlapping(events []*wire.Event, e *wire.Event) []*wire.Event {
	from, _ := slices.BinarySearchFunc(events, e.From, func(o *wire.Event, from uint64) int {
		if o.To <= from {
			return -1
		}
		return 1
	})
	events = events[from:]
	to, _ := slices.BinarySearchFunc(events, e.To, func(o *wire.Event, to uint64) int {
		if o.From < to {
			return -1
		}
		return 1
	})
	return events[:to]
}
