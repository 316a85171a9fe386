package view

// insert gives a row an id and a slot; it waits for its position.
func (s *Store) insert(r row) uint32 {
	s.version++
	s.id++
	r.id = s.id
	slot := s.alloc()
	s.rows[slot] = r
	s.ids[r.id&uint64(len(s.ids)-1)] = slot
	i := len(s.late)
	s.late = append(s.late, slot)
	for i > 0 && s.rows[s.late[i-1]].at > r.at {
		s.late[i] = s.late[i-1]
		i--
	}
	s.late[i] = slot
	return slot
}

// room makes room for a row: it may drop others.
func (s *Store) room() {
	if len(s.late) == maxLate {
		s.merge()
	}
}

// alloc takes a free slot. There are twice as many, at most, when more are
// needed.
func (s *Store) alloc() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		slot := s.free[last]
		s.free = s.free[:last]
		return slot
	}
	if len(s.rows) == cap(s.rows) {
		rows := make([]row, len(s.rows), min(max(256, 2*len(s.rows)), MaxRows+maxSpare+maxLate))
		copy(rows, s.rows)
		s.rows = rows
	}
	s.rows = append(s.rows, row{})
	if len(s.rows) > len(s.ids) {
		s.ids = make([]uint32, max(256, 2*len(s.ids)))
		for slot := range s.rows {
			s.ids[s.rows[slot].id&uint64(len(s.ids)-1)] = uint32(slot)
		}
	}
	return uint32(len(s.rows) - 1)
}

// merge gives positions to the rows that wait, and drops those that are too
// many.
func (s *Store) merge() {
	k := len(s.late)
	if k == 0 && len(s.pairs.joined) == 0 {
		return
	}
	for s.n+k > len(s.order) {
		order := make([]uint32, max(256, 2*len(s.order)))
		for pos := s.base; pos < s.end(); pos++ {
			order[pos&(len(order)-1)] = s.slotAt(pos)
		}
		s.order = order
	}
	mask := len(s.order) - 1
	from := s.end() - 1 // the last row that is not moved yet
	s.n += k
	for to := s.end() - 1; k > 0; to-- {
		slot := s.late[k-1]
		if from >= s.base && s.rows[s.order[from&mask]].at > s.rows[slot].at {
			slot = s.order[from&mask]
			from--
		} else {
			k--
		}
		s.order[to&mask] = slot
		s.rows[slot].pos = to
	}
	s.changed(s.late)
	s.late = s.late[:0]
	s.rejoin()
	if s.n > MaxRows+maxSpare {
		s.drop(s.n - MaxRows)
	}
}

// rejoin sees to it that pairs that turned out to be one are laid out as one.
func (s *Store) rejoin() {
	for i := 0; i < len(s.pairs.joined); i += 2 {
		p, part := s.pairs.joined[i], s.pairs.joined[i+1]
		for _, sp := range []spot{p.first, part.first} {
			switch {
			case sp.is == here:
				s.layout.from = min(s.layout.from, s.rows[sp.slot].pos)
			case sp.is == before:
				s.layout.from = s.base
			}
		}
		if part.first.is == here {
			s.mark(&p.first, part.first.slot)
		} else if part.first.is == before {
			p.first = part.first
		}
	}
	clear(s.pairs.joined)
	s.pairs.joined = s.pairs.joined[:0]
}

// drop forgets the n oldest rows, and the connections of which none is left.
func (s *Store) drop(n int) {
	for ; n > 0; n-- {
		slot := s.slotAt(s.base)
		r := &s.rows[slot]
		if r.event() {
			s.Dropped++
			s.DroppedBytes += r.bytes()
			s.sieve.drop(r)
		} else if r.flags&rowLost != 0 {
			s.Dropped += r.to
		}
		if p := s.pairOf(r); p != nil {
			p.unnote(r, slot)
			if p.rows == 0 {
				s.pairs.forget(p)
			}
		}
		s.origins.drop(r.origin)
		s.words.drop(r.word)
		r.id = 0
		s.free = append(s.free, slot)
		s.layout.dropped = true
		s.base++
		s.n--
	}
}
