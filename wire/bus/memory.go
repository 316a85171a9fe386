package bus

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"porthole/wire"
)

// Memory is a fleet whose members are all in this process. The zero value is
// ready.
type Memory struct {
	// History is how many events are kept for who watches later, or is behind. If
	// zero, none are kept unless someone watches, and then 1024.
	History int

	mu       sync.Mutex
	ring     []published
	next     uint64 // the number of the next; ring holds those before it
	more     chan struct{}
	members  []*member
	numbers  uint64
	watchers int
	leases   map[string]*member
}

// published is an event and whose it is.
type published struct {
	by    *member
	event wire.Event
}

// member is a Bus.
type member struct {
	m      *Memory
	self   Member
	counts map[string]int
	stats  Stats
	left   chan struct{} // closed by Close
}

// Join makes a process a member of the fleet; it gets its number.
func (m *Memory) Join(self Member) Bus {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.numbers++
	self.Number = m.numbers % MaxMembers
	b := &member{m: m, self: self, counts: map[string]int{}, left: make(chan struct{})}
	m.members = append(m.members, b)
	return b
}

const enough = 1024 // events for who is behind

func (b *member) Publish(e *wire.Event) {
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	b.stats.Published++
	b.stats.Acknowledged++
	if m.History == 0 && (m.watchers == 0 || len(m.members) == 1) {
		return
	}
	kept := published{b, *e}
	kept.event.Data = bytes.Clone(e.Data)
	if size := cmp.Or(m.History, enough); len(m.ring) < size {
		m.ring = append(m.ring, kept)
	} else {
		m.ring[m.next%uint64(size)] = kept
	}
	m.next++
	if m.more != nil {
		close(m.more)
		m.more = nil
	}
}

func (b *member) Watch(ctx context.Context, w Watcher) error {
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers++
	defer func() { m.watchers-- }()
	at := m.next - uint64(len(m.ring))
	for {
		if oldest := m.next - uint64(len(m.ring)); at < oldest {
			lost := oldest - at
			at = oldest
			b.stats.Missed += lost
			m.unlocked(func() { w.Lost(lost) })
			continue
		}
		if at < m.next {
			p := m.ring[at%uint64(len(m.ring))]
			if at++; p.by != b {
				b.stats.Watched++
				p.event.Conn = Globally(p.by.self.Number, p.event.Conn)
				m.unlocked(func() { w.Event(p.event) })
			}
			continue
		}
		if m.more == nil {
			m.more = make(chan struct{})
		}
		more := m.more
		var err error
		m.unlocked(func() {
			select {
			case <-more:
			case <-b.left:
				err = ErrLeft
			case <-ctx.Done():
				err = ctx.Err()
			}
		})
		if err != nil {
			return err
		}
	}
}

// unlocked lets others go on while f runs. mu is held.
func (m *Memory) unlocked(f func()) {
	m.mu.Unlock()
	defer m.mu.Lock()
	f()
}

func (b *member) Count(key string, n int) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	if b.counts[key] = n; n == 0 {
		delete(b.counts, key)
	}
}

func (b *member) Others(key string) (n int) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	for _, other := range b.m.members {
		if other != b {
			n += other.counts[key]
		}
	}
	return n
}

// Lease never loses one: the fleet is where the member is.
func (b *member) Lease(_ context.Context, key string, _ func()) (release func(), err error) {
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[key] != nil {
		return nil, ErrLeased
	}
	if m.leases == nil {
		m.leases = map[string]*member{}
	}
	m.leases[key] = b
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.leases[key] == b {
			delete(m.leases, key)
		}
	}), nil
}

func (b *member) Members() (list []Member) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	for _, one := range b.m.members {
		list = append(list, one.self)
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

func (b *member) Stats() Stats {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	return b.stats
}

func (b *member) Close(context.Context) error {
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.members = slices.DeleteFunc(m.members, func(other *member) bool { return other == b })
	for key, of := range m.leases {
		if of == b {
			delete(m.leases, key)
		}
	}
	select {
	case <-b.left:
	default:
		close(b.left)
	}
	return nil
}
