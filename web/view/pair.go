package view

import (
	"maps"
	"slices"

	"porthole/wire"
)

// Pair is one connection: its two ends, as far as they are seen.
type Pair struct {
	Number int // from 1, in the order in which they were first seen
	Client End
	Server End

	since int64 // its first event
	rows  int
	same  *Pair // the pair that this one turned out to be
}

// End is one end of a connection.
type End struct {
	Seen          bool
	Local         string
	Read, Wrote   uint64 // bytes
	Reads, Writes int
	Kernel        wire.Kernel // as the kernel last told

	// When its socket was there, when it had ended its own side, and when it
	// was closed; 0 for what has not happened.
	born, ended, closed int64
}

// Closed tells whether the socket is.
func (e *End) Closed() bool { return e.closed != 0 }

func (p *Pair) whole() *Pair {
	for p.same != nil {
		p = p.same
	}
	return p
}

// note keeps what the event says of its end.
func (p *Pair) note(e *wire.Event) {
	at := e.At()
	if p.since == 0 || at < p.since {
		p.since = at
	}
	end := &p.Client
	if e.Side == wire.Server {
		end = &p.Server
	}
	end.Seen = true
	if e.Local != "" {
		end.Local = e.Local
	}
	if e.Kernel != (wire.Kernel{}) {
		end.Kernel = e.Kernel
	}
	switch e.Kind {
	case wire.Lookup, wire.Error: // there may never be a socket
		return
	case wire.Close:
		end.closed = at
		return
	case wire.Data:
		end.Read = max(end.Read, e.To)
		end.Reads++
	case wire.CallWrite:
		end.Wrote = max(end.Wrote, e.To)
		end.Writes++
	case wire.CallEnd, wire.CallDestroy, wire.CallReset:
		if end.ended == 0 {
			end.ended = at
		}
	}
	if end.born == 0 || at < end.born {
		end.born = at
	}
}

// pairs finds the connection of an event. The two ends are matched by their
// addresses. The zero value is ready.
type pairs struct {
	count   int
	clients map[uint64]*Pair // by the client's number
	servers map[served]*Pair
	ends    map[ends]*Pair // the newest between two addresses
	own     []*Pair        // of this page, from the oldest
}

// ends are the addresses of a connection.
type ends struct{ client, server string }

// served is a server's end. An address pair comes back with another number
// when a port is used again.
type served struct {
	ends
	conn uint64
}

func (s *pairs) of(e *wire.Event) *Pair {
	if s.ends == nil {
		s.servers, s.ends = map[served]*Pair{}, map[ends]*Pair{}
	}
	if s.clients == nil {
		s.clients = map[uint64]*Pair{}
	}
	if e.Side == wire.Server {
		return s.server(e)
	}
	return s.client(e)
}

// server finds the pair of a server's event. The first one of a connection
// belongs to the client between the same addresses, if that has come already.
func (s *pairs) server(e *wire.Event) *Pair {
	at := ends{client: e.Remote, server: e.Local}
	key := served{at, e.Conn}
	if p := s.servers[key]; p != nil && e.Kind != wire.Connection {
		return p.whole()
	}
	p := s.ends[at]
	if p == nil || p.whole().Server.Seen {
		p = s.add()
		s.ends[at] = p
	}
	s.servers[key] = p
	return p.whole()
}

// client finds the pair of an event of ours. It is known by its number before
// it has addresses; when it has, the server may have told of it already.
func (s *pairs) client(e *wire.Event) *Pair {
	p := s.clients[e.Conn]
	if p == nil {
		p = s.add()
		s.clients[e.Conn] = p
		s.own = append(s.own, p)
	}
	if e.Local == "" || p.Client.Local != "" {
		return p
	}
	at := ends{client: e.Local, server: e.Remote}
	if other := s.ends[at]; other != nil && other.whole().awaits(e) {
		s.join(p, other.whole())
	}
	s.ends[at] = p
	return p
}

// awaits tells whether a pair of which only the server was seen is the one of
// this client's event, and not one that was over before.
func (p *Pair) awaits(e *wire.Event) bool {
	return !p.Client.Seen && (!p.Server.Closed() || p.Server.closed >= e.Start)
}

// join lets p take over what was seen of its server's end.
func (s *pairs) join(p, other *Pair) {
	if max(p.Number, other.Number) == s.count {
		s.count--
	}
	p.Number = min(p.Number, other.Number)
	p.Server = other.Server
	if p.since == 0 || other.since < p.since {
		p.since = other.since
	}
	p.rows += other.rows
	other.same = p
}

func (s *pairs) add() *Pair {
	s.count++
	return &Pair{Number: s.count}
}

func (s *pairs) newest() *Pair {
	if len(s.own) == 0 {
		return nil
	}
	return s.own[len(s.own)-1]
}

// forget lets go of the pairs that have no rows, but for the newest of ours.
func (s *pairs) forget() {
	newest := s.newest()
	gone := func(p *Pair) bool { return p.whole().rows == 0 && p.whole() != newest }
	maps.DeleteFunc(s.clients, func(_ uint64, p *Pair) bool { return gone(p) })
	maps.DeleteFunc(s.servers, func(_ served, p *Pair) bool { return gone(p) })
	maps.DeleteFunc(s.ends, func(_ ends, p *Pair) bool { return gone(p) })
	s.own = slices.DeleteFunc(s.own, gone)
}

// lane is how a lifeline is drawn at one moment. The order is the page's.
type lane uint8

const (
	waiting lane = iota // not there yet
	open
	ended  // its own side is
	closed // nothing is left to draw
)

// at tells how both lifelines of this page's sockets are at a moment.
func (s *pairs) at(moment int64) (client, server lane) {
	i, _ := slices.BinarySearchFunc(s.own, moment, func(p *Pair, moment int64) int {
		if p.since <= moment {
			return -1
		}
		return 1
	})
	if i == 0 {
		return waiting, waiting
	}
	p := s.own[i-1]
	client, server = p.Client.at(moment), p.Server.at(moment)
	if !p.Server.Seen && client == closed {
		server = closed // and it never was
	}
	return client, server
}

func (e *End) at(moment int64) lane {
	switch {
	case e.closed != 0 && e.closed <= moment:
		return closed
	case e.ended != 0 && e.ended <= moment:
		return ended
	case e.born != 0 && e.born <= moment:
		return open
	}
	return waiting
}
