package view

import "porthole/wire"

// maxGap is how many ns a replay waits at most: what lies idle for an hour must
// not be waited for.
const maxGap = 1_000_000_000

// Player gives the events of a capture again, each when its time comes.
type Player struct {
	events []wire.Event // in order
	due    []int64      // when each is, in ns from the first
	next   int
}

// NewPlayer takes events in the order in which they happened, and owns them.
func NewPlayer(events []wire.Event) *Player {
	p := &Player{events: events, due: make([]int64, len(events))}
	for i := 1; i < len(events); i++ {
		gap := events[i].At() - events[i-1].At()
		p.due[i] = p.due[i-1] + min(max(gap, 0), maxGap)
	}
	return p
}

// Due returns the events whose time has come since the last call, when so much
// of the replay has gone by, in ns. They are the Player's.
func (p *Player) Due(gone int64) []wire.Event {
	from := p.next
	for p.next < len(p.due) && p.due[p.next] <= gone {
		p.next++
	}
	return p.events[from:p.next]
}

// Done tells whether all have been given.
func (p *Player) Done() bool { return p.next == len(p.events) }
