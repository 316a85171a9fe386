package natsbus

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire"
	"porthole/wire/bus"
)

const (
	// maxBatch is how many bytes of events go in one message: NATS takes 1 MiB
	// unless told otherwise.
	maxBatch = 256 << 10
	// maxBatches bounds what waits while the fleet cannot be reached: 16 MiB.
	maxBatches = 64
	// publishWait is how long a server has to acknowledge, before it is asked again.
	publishWait = 2 * time.Second
)

// Headers of a message of events.
const (
	headerMember  = "Porthole-Member"  // its publisher's number
	headerMachine = "Porthole-Machine" // whose clock its times are of
)

// batch is a message of events, as porthole.v1 has them, numbered by their
// publisher from 1: a gap is events that were lost.
type batch struct {
	events []byte
	n      int
	last   uint64 // the number of the newest in it
}

// outbox holds what is to be published. Each event pays for its encoding, and
// waits for nothing; one message is under way at a time, so that they keep their
// order whatever fails, and the next gathers meanwhile.
type outbox struct {
	mu      sync.Mutex
	waiting []batch // the last still open
	spare   []byte
	stats   bus.Stats
	numbers uint64
	closed  bool
	more    chan struct{} // has one element when there is something
	empty   chan struct{} // closed when it is closed and nothing waits
}

func (o *outbox) init() { o.more, o.empty = make(chan struct{}, 1), make(chan struct{}) }

// Publish is that of a [bus.Bus].
func (b *Bus) Publish(e *wire.Event) {
	o := &b.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.numbers++
	o.stats.Published++
	n := len(o.waiting)
	if n == 0 || len(o.waiting[n-1].events) >= maxBatch-2*wire.MaxCopy {
		if n >= maxBatches || o.closed {
			o.stats.Dropped++
			return
		}
		o.waiting = append(o.waiting, batch{events: o.spare[:0]})
		o.spare = nil
		n++
	}
	seq := e.Seq
	e.Seq = o.numbers
	last := &o.waiting[n-1]
	last.events, last.n, last.last = wire.AppendEvent(last.events, e), last.n+1, e.Seq
	e.Seq = seq
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// take is the next message; it waits until there is one, or all is over.
func (o *outbox) take(ctx context.Context) (batch, bool) {
	for {
		o.mu.Lock()
		if len(o.waiting) > 0 {
			first := o.waiting[0]
			o.waiting = append(o.waiting[:0], o.waiting[1:]...)
			o.mu.Unlock()
			return first, true
		}
		if o.closed {
			o.mu.Unlock()
			return batch{}, false
		}
		o.mu.Unlock()
		select {
		case <-o.more:
		case <-ctx.Done():
			return batch{}, false
		}
	}
}

// sent notes that the fleet has a message.
func (o *outbox) sent(m batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.Acknowledged += uint64(m.n)
	if cap(m.events) <= maxBatch {
		o.spare = m.events
	}
}

// close takes nothing more, and waits until all is sent.
func (o *outbox) close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	select {
	case <-o.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *outbox) count() bus.Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats
}

// publish sends what there is until the member has left. A message is sent again
// until the fleet says that it has it; JetStream takes one with the same id once.
func (b *Bus) publish() {
	defer close(b.out.empty)
	for {
		m, ok := b.out.take(b.ctx)
		if !ok {
			return
		}
		msg := nats.NewMsg(subject + b.id)
		msg.Header.Set(headerMember, strconv.FormatUint(b.self.Number, 10))
		msg.Header.Set(headerMachine, b.machine)
		msg.Header.Set(jetstream.MsgIDHeader, b.id+"."+strconv.FormatUint(m.last, 10))
		msg.Data = m.events
		if b.retry(b.ctx, func() error { return b.send(msg) }) != nil {
			return
		}
		b.out.sent(m)
	}
}

func (b *Bus) send(msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(b.ctx, publishWait)
	defer cancel()
	_, err := b.js.PublishMsg(ctx, msg)
	return err
}
