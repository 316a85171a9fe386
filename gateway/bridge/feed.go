package bridge

import (
	"sync"
	"sync/atomic"
	"time"

	"porthole/wire"
)

// feed gathers events for one page and sends them in batches: each socket pays
// for the encoding of its event and never waits for the page. What does not fit
// is counted. The zero value with a send is ready.
type feed struct {
	send func(b []byte) error // b[lead:] is the message
	told *atomic.Uint64       // counts what a page was told that it has lost; may be nil

	mu     sync.Mutex
	batch  [][]byte // messages, the last still open
	spare  []byte   // a message that was sent
	lost   uint64   // events that came after them
	timer  *time.Timer
	armed  bool // a flush is due or under way
	closed bool

	flushing sync.WaitGroup
}

const (
	// feedDelay gathers events: the page draws what is new 22 times a second.
	feedDelay = 40 * time.Millisecond
	// feedSpare is how large a message grows that each feed keeps to fill again;
	// a larger one is of those that all share.
	feedSpare = 4 << 10
	// feedMessages bounds what waits for a slow page: the events of a thousand
	// messages, or the lot of one that reads nothing.
	feedMessages = 32
)

func (f *feed) add(e *wire.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.put(e)
	f.arm()
}

func (f *feed) put(e *wire.Event) {
	if f.lost > 0 && len(f.batch) == feedMessages { // a page that reads nothing costs nothing
		f.lost++
		return
	}
	if n := len(f.batch); n > 0 {
		last := &f.batch[n-1]
		if len(*last) > feedSpare/2 && cap(*last) < bufferSize {
			*last = append(buffers.Get().(*buffer)[:0], *last...)
		}
		if grown := wire.AppendEvent(*last, e); len(grown) <= lead+wire.MaxMessage {
			*last = grown
			return
		}
	}
	if f.lost > 0 || len(f.batch) == feedMessages {
		f.lost++
		return
	}
	msg := f.spare
	if f.spare = nil; msg == nil {
		msg = make([]byte, lead)
	}
	f.batch = append(f.batch, wire.AppendEvent(wire.AppendHead(msg[:lead], wire.OpEvents, 0), e))
	if len(f.batch) > 1 && f.timer != nil && f.timer.Stop() {
		f.timer.Reset(0) // a message is full: there is nothing more to wait for
	}
}

// lose counts events that never came here.
func (f *feed) lose(n uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.lost += n
		f.arm()
	}
}

func (f *feed) arm() {
	if !f.armed {
		f.hold()
		f.timer = time.AfterFunc(feedDelay, f.flush)
	}
}

// hold keeps what is added until flush is called.
func (f *feed) hold() {
	f.armed = true
	f.flushing.Add(1)
}

func (f *feed) flush() {
	defer f.flushing.Done()
	f.sendAll()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	if !f.closed && (len(f.batch) > 0 || f.lost > 0) {
		f.arm()
	}
}

func (f *feed) sendAll() {
	f.mu.Lock()
	batch, lost := f.batch, f.lost
	f.batch, f.lost = nil, 0
	f.mu.Unlock()
	if lost > 0 {
		if f.told != nil {
			f.told.Add(lost)
		}
		n := wire.Count(lost)
		batch = append(batch, wire.Append(make([]byte, lead), wire.OpLost, 0, &n))
	}
	for _, msg := range batch {
		err := f.send(msg)
		f.reuse(msg)
		if err != nil {
			return // the session ends, and closes the feed
		}
	}
}

// reuse takes a message back whose bytes are used no more.
func (f *feed) reuse(msg []byte) {
	if cap(msg) == bufferSize {
		buffers.Put((*buffer)(msg[:bufferSize]))
	} else if cap(msg) <= feedSpare {
		f.mu.Lock()
		f.spare = msg
		f.mu.Unlock()
	}
}

// close takes nothing more, and returns when all that it had is sent.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	if f.timer != nil && f.timer.Stop() {
		f.armed = false
		f.flushing.Done()
	}
	f.mu.Unlock()
	f.flushing.Wait()
	f.sendAll()
}
