package view

import "porthole/wire"

// Pair is one connection: its two ends, as far as they are seen.
type Pair struct {
	Number int // from 1, in the order in which they were first seen
	Client End
	Server End

	rows       int
	first      spot  // its first row
	gone       int64 // when its session was lost, and with it what came after
	carried    *[2]carried
	marks      [2]marks // by writer, for Inspect: see Length
	keys       keys
	same       *Pair // the pair that this one turned out to be
	prev, next *Pair // by number
	lost       bool  // the store has forgotten it

	state state       // as of the last row that is laid out
	stamp uint32      // of the window that it was last near
	tally [2][4]tally // by side and kind, while a burst is laid out
}

// End is one end of a connection.
type End struct {
	Seen          bool
	Local         string
	Remote        string
	Read, Wrote   uint64 // bytes
	Reads, Writes int
	Kernel        wire.Kernel // as the kernel last told

	told   int64 // when the kernel told it
	reads  run
	writes run
	pauses run // pause() and resume()
	paused bool
	born   spot // its socket was there
	fin    spot // end()
	kill   spot // destroy() or reset()
	over   spot // end
	broke  spot // error
	closed spot // close

	ended int64 // when it was closed
}

// Closed tells whether the socket is.
func (e *End) Closed() bool { return e.closed.is != never }

// Open tells whether either end still is, as far as they are seen. When its
// session was lost, so was the connection.
func (p *Pair) Open() bool {
	return p.gone == 0 && (p.Client.Seen && !p.Client.Closed() || p.Server.Seen && !p.Server.Closed())
}

// Gone tells whether the pair's session was lost before its socket was closed.
func (p *Pair) Gone() bool { return p.gone != 0 }

// Own tells whether the pair is this page's.
func (p *Pair) Own() bool { return p.Client.Seen }

func (p *Pair) end(side wire.Side) *End {
	if side == wire.Server {
		return &p.Server
	}
	return &p.Client
}

// address is where the server listens, as far as that is known.
func (p *Pair) address() string {
	if p.Server.Local != "" {
		return p.Server.Local
	}
	return p.Client.Remote
}

func (p *Pair) whole() *Pair {
	for p.same != nil {
		p = p.same
	}
	return p
}

// spot is a row that something happened at. Rows go, but what happened did.
type spot struct {
	slot uint32
	is   kept
}

type kept uint8

const (
	never  kept = iota
	here        // in the slot
	before      // the row is dropped
)

// mark keeps the slot of what happens once; of two, the earlier.
func (s *Store) mark(sp *spot, slot uint32) {
	if sp.is == never || sp.is == here && s.rows[slot].at < s.rows[sp.slot].at {
		*sp = spot{slot, here}
	}
}

func (sp *spot) drop(slot uint32) {
	if sp.is == here && sp.slot == slot {
		sp.is = before
	}
}

// note keeps what a row says of its end.
func (s *Store) note(p *Pair, slot uint32) {
	r := &s.rows[slot]
	end := p.end(r.side)
	end.Seen = true
	p.rows++
	s.mark(&p.first, slot)
	if o := &s.origins.entries[r.origin]; o.local != "" {
		end.Local, end.Remote = o.local, o.remote
	} else if o.remote != "" && end.Remote == "" && r.kind != wire.Lookup {
		end.Remote = o.remote
	}
	if k := r.kernel(); k != (wire.Kernel{}) && r.at+r.took >= end.told {
		end.Kernel, end.told = k, r.at+r.took
	}
	switch r.kind {
	case wire.Lookup: // there may never be a socket
		return
	case wire.Error:
		s.mark(&end.broke, slot)
		return
	case wire.Close:
		end.closed, end.ended = spot{slot, here}, r.at
		return
	case wire.Data:
		end.Read = max(end.Read, r.to)
		end.Reads++
		if r.to > r.from {
			s.put(&end.reads, slot)
		}
	case wire.CallWrite:
		end.Wrote = max(end.Wrote, r.to)
		end.Writes++
		if r.to > r.from {
			s.put(&end.writes, slot)
		}
	case wire.End:
		s.mark(&end.over, slot)
	case wire.CallEnd:
		s.mark(&end.fin, slot)
	case wire.CallDestroy, wire.CallReset:
		s.mark(&end.kill, slot)
	case wire.CallPause, wire.CallResume:
		s.putInTime(&end.pauses, slot)
		end.paused = s.rows[end.pauses.last()].kind == wire.CallPause
	}
	s.mark(&end.born, slot)
}

// unnote forgets a row of the pair, and not what it said.
func (p *Pair) unnote(r *row, slot uint32) {
	end := p.end(r.side)
	p.rows--
	p.first.drop(slot)
	switch r.kind {
	case wire.Error:
		end.broke.drop(slot)
	case wire.Close:
		end.closed.drop(slot)
	case wire.Data:
		if r.to > r.from {
			end.reads.remove(slot)
		}
	case wire.CallWrite:
		if r.to > r.from {
			end.writes.remove(slot)
		}
	case wire.End:
		end.over.drop(slot)
	case wire.CallEnd:
		end.fin.drop(slot)
	case wire.CallDestroy, wire.CallReset:
		end.kill.drop(slot)
	case wire.CallPause, wire.CallResume:
		end.pauses.remove(slot)
	}
	end.born.drop(slot)
}
