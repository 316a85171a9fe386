package tap

import (
	"bytes"
	"context"
	"strconv"
	"sync"

	"porthole/wire"
)

// DefaultHistory is how many events a Log keeps unless told otherwise.
const DefaultHistory = 4096

// Log numbers events, keeps the last of them and wakes who waits for more. It
// holds no queue for anyone: a reader that falls behind the history has lost
// events, and is told how many. The zero value is ready; Add never blocks.
type Log struct {
	// History is how many events to keep. If zero, DefaultHistory.
	History int
	// Also is told of each event that is added, in their order, with its number. It
	// must not block. If nil, no one is.
	Also func(e *wire.Event)

	mu   sync.Mutex
	ring []wire.Event  // event seq is at (seq-1) % History
	last uint64        // sequence number of the newest, 0 if none
	more chan struct{} // closed by the next Put; nil if no one waits
	name string
}

// Add numbers the event and keeps it; it is an [Emit].
func (l *Log) Add(e wire.Event) { l.Put(&e) }

// Put is Add for a caller who wants the number: it sets e.Seq. The log keeps
// its own copy of e.Data.
func (l *Log) Put(e *wire.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(e)
	if l.Also != nil {
		l.Also(e)
	}
}

// Import is Put for an event that is of another log: Also is not told of it.
func (l *Log) Import(e *wire.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(e)
}

// keep numbers an event. mu is held.
func (l *Log) keep(e *wire.Event) {
	l.last++
	e.Seq = l.last
	if size := l.size(); len(l.ring) < size {
		kept := *e
		kept.Data = bytes.Clone(e.Data)
		l.ring = append(l.ring, kept)
	} else {
		kept := &l.ring[(e.Seq-1)%uint64(size)]
		room := kept.Data[:0]
		*kept = *e
		kept.Data = append(room, e.Data...)
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

func (l *Log) size() int {
	if l.History > 0 {
		return l.History
	}
	return DefaultHistory
}

// Since copies the events that came after seq into buf, oldest first, as many
// as fit, and tells how many of them the history no longer has. Their Data is the
// caller's.
func (l *Log) Since(seq uint64, buf []wire.Event) (n int, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldest := l.last - uint64(len(l.ring)); seq < oldest {
		lost, seq = oldest-seq, oldest
	}
	for ; n < len(buf) && seq < l.last; n++ {
		buf[n] = l.ring[seq%uint64(l.size())]
		buf[n].Data = bytes.Clone(buf[n].Data)
		seq++
	}
	return n, lost
}

// Wait returns once there is an event after seq; the context's error is for when
// there is none, so that a reader has the last events of a log that ends.
func (l *Log) Wait(ctx context.Context, seq uint64) error {
	for {
		l.mu.Lock()
		if l.last > seq {
			l.mu.Unlock()
			return nil
		}
		if err := ctx.Err(); err != nil {
			l.mu.Unlock()
			return err
		}
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

// Last is the number of the newest event, 0 if there is none.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// id names this log, so that no one carries its numbers over to another's.
func (l *Log) id() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.name == "" {
		l.name = strconv.FormatInt(Now(), 36)
	}
	return l.name
}
