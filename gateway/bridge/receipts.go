package bridge

import (
	"encoding/binary"
	"sync"
	"time"

	"porthole/wire"
)

// receipts are the wrotes that a page is to get: what the kernels have taken of
// its bytes. One that travels alone costs as much as a message with data, so it
// waits for one to travel with; if none goes in time it travels alone, and so do
// those that follow, until data goes down again. Then the wait was too short, and
// is doubled: under load an answer takes its time. TCP treats its own
// acknowledgments much like this (RFC 1122 §4.2.3.2).
type receipts struct {
	mu     sync.Mutex
	due    []*stream // that have something owed
	since  time.Time // … the first of them
	large  bool      // so much is owed that the page may be waiting for it
	prompt bool      // they travel alone
	always bool      // … whatever goes down: they cost nothing
	delay  time.Duration
	timer  *time.Timer
	armed  bool // it runs
}

const (
	// minDelay and maxDelay bound how long a receipt waits for company: longer
	// than an echo takes, and shorter than what a person notices.
	minDelay = 10 * time.Millisecond
	maxDelay = 160 * time.Millisecond
	// maxReceipt is the length of one: a short header, op, id and count.
	maxReceipt = 2 + wire.Overhead + 3
	// lead is the room in front of a session's message: for its own header, and
	// for the receipts of some streams.
	lead = 128
)

// owe notes that a kernel took n bytes.
func (r *receipts) owe(st *stream, n int) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.owed == 0 {
		if len(r.due) == 0 {
			r.since = time.Now()
		}
		r.due = append(r.due, st)
	}
	st.owed += uint64(n)
	r.large = r.large || st.owed >= wire.Window/2
}

// before puts receipts in front of the frame b[at:], and returns all that is to
// be sent: with data as many as there is room for, else all, so that none comes
// behind the last word on its stream.
func (r *receipts) before(b []byte, at int, data bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if data && r.prompt && !r.always {
		r.prompt = false
		r.delay = min(2*r.delay, maxDelay)
	}
	n := len(r.due)
	if need := n * maxReceipt; data {
		n = min(n, at/maxReceipt)
	} else if need > at {
		b = append(make([]byte, need, need+len(b)-at), b[at:]...)
		at = need
	}
	for _, st := range r.due[:n] {
		var msg [maxReceipt]byte // wire.Append would put it on the heap
		m := binary.AppendUvarint(wire.AppendHead(msg[:0], wire.OpWrote, st.id), st.owed)
		st.owed = 0
		end := at
		at -= copy(b[at-len(m):], m)
		at = putHead(b[:end], at, opBinary)
	}
	r.due = r.due[:copy(r.due, r.due[n:])]
	r.large = r.large && n == 0
	return b[at:]
}

// write sends the message b[lead:], with data or without, and receipts before
// it. The room in front is overwritten.
func (s *session) write(b []byte, data bool) error {
	s.out.Lock()
	defer s.out.Unlock()
	return s.sock.Send(s.receipts.before(b, putHead(b, lead, opBinary), data))
}

// settle sees to it that what is owed gets to the page. It does not wait for
// whoever is sending.
func (s *session) settle() {
	r := &s.receipts
	r.mu.Lock()
	due, now := len(r.due) > 0, r.large || r.prompt
	if due && !r.armed {
		r.armed = true
		if r.timer == nil {
			r.timer = time.AfterFunc(r.delay, func() { s.spawn(s.late) })
		} else {
			r.timer.Reset(r.delay)
		}
	}
	r.mu.Unlock()
	if due && now && s.out.TryLock() {
		s.acknowledge()
	}
}

// late sends receipts that have waited long enough.
func (s *session) late() {
	r := &s.receipts
	r.mu.Lock()
	wait := r.delay - time.Since(r.since)
	switch {
	case len(r.due) == 0:
		r.armed = false
	case wait > 0:
		r.timer.Reset(wait)
	default:
		r.armed = false
		r.prompt = true
	}
	now := r.prompt && len(r.due) > 0
	r.mu.Unlock()
	if now {
		s.out.Lock()
		s.acknowledge()
	}
}

// acknowledge sends the receipts alone. It unlocks out.
func (s *session) acknowledge() {
	defer s.out.Unlock()
	if b := s.receipts.before(make([]byte, lead), lead, false); len(b) > 0 {
		_ = s.sock.Send(b) // a broken WebSocket shows in reading
	}
}
