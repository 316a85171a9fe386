package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire"
)

// book reads what the bus keeps, beside the members.
type book struct {
	conn  *nats.Conn
	js    jetstream.JetStream
	names map[string]string // of publishers, by their ids
}

// book opens the book while all members are there.
func (f *fleet) book(ctx context.Context) (*book, error) {
	conn, err := nats.Connect(f.bus, nats.MaxReconnects(-1))
	if err != nil {
		return nil, err
	}
	b := &book{conn: conn, names: map[string]string{}}
	if b.js, err = jetstream.New(conn); err != nil {
		return nil, err
	}
	kv, err := b.js.KeyValue(ctx, "porthole")
	if err != nil {
		return nil, err
	}
	keys, err := kv.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "member.") {
			continue
		}
		entry, err := kv.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		var m struct{ ID, Name string }
		if err := json.Unmarshal(entry.Value(), &m); err != nil {
			return nil, err
		}
		b.names[m.ID] = m.Name
	}
	return b, nil
}

func (b *book) close() { b.conn.Close() }

// check wants of each member, by its name, at least as many events as it was told
// that the bus has, and none missing between them.
func (b *book) check(ctx context.Context, want map[string]float64, say func(string, ...any)) error {
	s, err := b.js.Stream(ctx, "PORTHOLE")
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	if info.State.FirstSeq != 1 {
		return fmt.Errorf("the bus keeps only what comes behind message %d: too short a history to tell", info.State.FirstSeq)
	}
	c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := c.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	has := map[string]uint64{}
	for n := uint64(0); n < info.State.Msgs; n++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		name := b.names[strings.TrimPrefix(msg.Subject(), "porthole.events.")]
		var gap error
		if err := wire.ParseEvents(msg.Data(), func(e wire.Event) {
			if e.Seq != has[name]+1 && gap == nil {
				gap = fmt.Errorf("event %d of %s comes behind %d", e.Seq, name, has[name])
			}
			has[name] = e.Seq
		}); err != nil || gap != nil {
			return fmt.Errorf("message %d: %w", n, cmp.Or(err, gap))
		}
	}
	for name, n := range want {
		if n == 0 || float64(has[name]) < n {
			return fmt.Errorf("of %s the bus has %d events, and acknowledged %v", name, has[name], n)
		}
		say("of %s the bus has %d events, %v of them known to be acknowledged, none missing between", name, has[name], n)
	}
	return nil
}
