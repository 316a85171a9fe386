// Package view is what the page knows of the sockets, and how it is laid out:
// the events in true order, which ends belong together, what was said. It draws
// nothing and needs no browser; [View.Frame] packs what is to be drawn, once a
// frame.
package view

import (
	"bytes"
	"slices"

	"porthole/wire"
)

// Row is a line of the ladder: one event, or, if Lost is not 0, a gap where so
// many events never came.
type Row struct {
	wire.Event
	Lost uint64
	pair *Pair
}

// Pair returns the connection that the event is of, nil for a listener's.
func (r *Row) Pair() *Pair {
	if r.pair == nil {
		return nil
	}
	return r.pair.whole()
}

// MaxRows is how many rows a Store keeps; older ones are counted and dropped.
const MaxRows = 20_000

// Store keeps events in the order in which they happened, which is not quite
// that of their arrival: a call is told when it returns, and may have been
// answered by then. The zero value is ready.
type Store struct {
	Dropped int // rows that were too many

	rows  []Row
	pairs pairs
}

// Len is how many rows there are.
func (s *Store) Len() int { return len(s.rows) }

// Row is the i-th row, from the oldest.
func (s *Store) Row(i int) *Row { return &s.rows[i] }

// Own is the newest connection of this page, nil before the first.
func (s *Store) Own() *Pair { return s.pairs.newest() }

// Restart notes that another session begins. Its gateway may be another process
// and number its sockets anew; the rows stay.
func (s *Store) Restart() { s.pairs.clients = nil }

// Lose puts a gap behind the newest row: n events never came.
func (s *Store) Lose(n uint64) {
	if last := len(s.rows) - 1; last >= 0 && s.rows[last].Lost > 0 {
		s.rows[last].Lost += n
		return
	}
	r := Row{Lost: n}
	if len(s.rows) > 0 {
		r.Return = s.rows[len(s.rows)-1].At()
	}
	s.insert(len(s.rows), r)
}

// Add takes an event and a copy of its data. An event that it has already, it
// leaves out: a gateway that was started anew tells again what it reads in a
// server's history.
func (s *Store) Add(e wire.Event) {
	i, at := len(s.rows), e.At()
	for i > 0 && s.rows[i-1].At() > at {
		i--
	}
	for j := i; j > 0 && s.rows[j-1].At() == at; j-- {
		if same(&s.rows[j-1].Event, &e) {
			return
		}
	}
	e.Data = bytes.Clone(e.Data)
	r := Row{Event: e}
	if !e.Listener() {
		r.pair = s.pairs.of(&e)
		r.pair.rows++
		r.pair.note(&e)
	}
	s.insert(i, r)
}

// same tells whether two events at one moment are one.
func same(a, b *wire.Event) bool {
	return a.Kind == b.Kind && a.Side == b.Side && a.Conn == b.Conn && a.Start == b.Start && a.Return == b.Return &&
		a.Local == b.Local && a.Remote == b.Remote && a.From == b.From && a.To == b.To
}

func (s *Store) insert(i int, r Row) {
	s.rows = slices.Insert(s.rows, i, r)
	if len(s.rows) > MaxRows+MaxRows/8 { // in bulk: moving them is not free
		s.drop(len(s.rows) - MaxRows)
	}
}

// drop forgets the n oldest rows, and the connections of which none is left.
func (s *Store) drop(n int) {
	for i := range s.rows[:n] {
		if p := s.rows[i].Pair(); p != nil {
			p.rows--
		}
	}
	s.pairs.forget()
	s.Dropped += n
	s.rows = slices.Delete(s.rows, 0, n)
}
