package natsbus

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire"
	"porthole/wire/bus"
)

// Watch is that of a [bus.Bus].
func (b *Bus) Watch(ctx context.Context, w bus.Watcher) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(b.ctx, func() { cancel(bus.ErrLeft) })()
	var messages jetstream.MessagesContext
	err := b.retry(ctx, func() (err error) {
		messages, err = b.read(ctx)
		return err
	})
	if err != nil {
		return context.Cause(ctx)
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	known := map[string]uint64{} // the newest event of each publisher
	for {
		msg, err := messages.Next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil: // the consumer is made again where it was
			b.o.Logger.Debug("the bus is slow to tell of events", "error", err)
		default:
			b.pass(msg, w, known)
		}
	}
}

// read begins to read the newest messages, and those to come.
func (b *Bus) read(ctx context.Context) (jetstream.MessagesContext, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	from := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if last := s.CachedInfo().State.LastSeq; last > uint64(b.o.History) {
		from.DeliverPolicy, from.OptStartSeq = jetstream.DeliverByStartSequencePolicy, last-uint64(b.o.History)+1
	}
	c, err := s.OrderedConsumer(ctx, from)
	if err != nil {
		return nil, err
	}
	return c.Messages()
}

// pass passes on what is in a message.
func (b *Bus) pass(msg jetstream.Msg, w bus.Watcher, known map[string]uint64) {
	id := strings.TrimPrefix(msg.Subject(), subject)
	if id == b.id {
		return
	}
	number, _ := strconv.ParseUint(msg.Headers().Get(headerMember), 10, 64)
	apart := msg.Headers().Get(headerMachine) != b.machine
	err := wire.ParseEvents(msg.Data(), func(e wire.Event) {
		last, met := known[id]
		switch {
		case met && e.Seq <= last:
			return // it was acknowledged to no one, and came twice
		case met && e.Seq > last+1:
			b.misses(w, e.Seq-last-1)
		}
		known[id] = e.Seq
		e.Conn = bus.Globally(number%bus.MaxMembers, e.Conn)
		e.Approx = e.Approx || apart
		b.out.watched(1, 0)
		w.Event(e)
	})
	if err != nil {
		b.o.Logger.Warn("events cannot be read; are they a newer program's?", "error", err)
		b.misses(w, 1)
	}
}

func (b *Bus) misses(w bus.Watcher, n uint64) {
	b.out.watched(0, n)
	w.Lost(n)
}

func (o *outbox) watched(events, missed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stats.Watched += events
	o.stats.Missed += missed
}
