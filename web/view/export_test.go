package view

import "porthole/wire"

// Preview is how many bytes of a line's text are shown at most.
const Preview = preview

// MaxSpare is how many rows more than MaxRows are kept at most.
const MaxSpare = maxSpare

// MaxArrows is how many arrows a frame has at most.
const MaxArrows = maxArrows

// Row is a row of the store, as the tests see it.
type Row struct {
	wire.Event
	Lost uint64
	pair *Pair
}

// Pair is the connection that the row is of.
func (r Row) Pair() *Pair { return r.pair }

// Len is how many rows there are.
func (s *Store) Len() int {
	s.merge()
	return s.n
}

// Row is the i-th row, from the oldest.
func (s *Store) Row(i int) Row {
	s.merge()
	r := s.at(s.base + i)
	if r.flags&rowLost != 0 {
		return Row{Event: wire.Event{Return: r.at}, Lost: r.to}
	}
	return Row{Event: s.event(r), pair: s.pairOf(r)}
}

// Pairs is how many connections the store still knows, in any of its books.
func (s *Store) Pairs() int {
	s.merge()
	p := &s.pairs
	listed := 0
	for q := p.front; q != nil; q = q.next {
		listed++
	}
	return max(len(p.clients), len(p.servers), len(p.ends), len(p.numbers), listed, p.known)
}

// Interned is how many strings, or sets of them, the store holds for its rows.
func (s *Store) Interned() int {
	return max(len(s.origins.numbers), len(s.words.numbers), len(s.origins.entries)-len(s.origins.free)-1)
}

// Relay lays out all rows from scratch, or, when some were dropped, from what is
// known of the moment when the last one was.
func (v *View) Relay() {
	s := &v.Store
	s.merge()
	if s.base > 0 {
		s.layout.stale = true
		return
	}
	for i := range s.rows {
		s.rows[i].line, s.rows[i].step, s.rows[i].slot = 0, 0, 0
	}
	s.layout = layout{frozen: s.layout.frozen, end: s.layout.end, stale: true}
	for i := range s.origins.entries {
		for p := s.origins.entries[i].pair; p != nil; p = p.same {
			p.state, p.tally = state{}, [2][4]tally{}
		}
	}
}

// Piece is an arrow's bytes, and its lines.
type Piece struct {
	Number   int
	Writer   wire.Side
	From, To int
	Low      uint64
	High     uint64
}

// Pieces are the arrows of bytes of the last frame.
func (v *View) Pieces() (all []Piece) {
	s := &v.Store
	for _, a := range v.arrows {
		if a.kind == arrowBytes {
			p := s.pairOf(&s.rows[s.line(s.layout.first+a.from).slot])
			all = append(all, Piece{p.Number, wire.Side(a.side), a.from, a.to, a.low, a.high})
		}
	}
	return all
}

// Message is the number of the WebSocket message that carried a byte.
func (s *Store) Message(p *Pair, writer wire.Side, offset uint64) uint32 {
	return p.message(writer, offset)
}

// Carried is for how many sockets messages are remembered.
func (s *Store) Carried() int { return len(s.pairs.carried) }
