package natsbus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire/bus"
)

// record is what a member says of itself, under one key: that it is there, and
// how many it has of what.
type record struct {
	bus.Member
	ID     string         `json:"id"`
	Counts map[string]int `json:"counts,omitempty"`
}

// census is who is there, and what they count.
type census struct {
	mu     sync.Mutex
	own    map[string]int
	others map[uint64]*heard
	turn   chan struct{} // has one element when own has changed
}

// heard is the newest record of another member, and when it came, by this
// process's own clock.
type heard struct {
	record
	at time.Time
}

// countEvery is how often a member tells what it counts, at most.
const countEvery = 250 * time.Millisecond

func memberKey(number uint64) string { return "member." + strconv.FormatUint(number, 10) }

// enter finds a number that no one has who is there.
func (b *Bus) enter(ctx context.Context) error {
	b.census.own, b.census.others = map[string]int{}, map[uint64]*heard{}
	b.census.turn = make(chan struct{}, 1)
	for {
		b.self.Number = 1 + rand.Uint64N(bus.MaxMembers-1)
		_, err := b.kv.Create(ctx, memberKey(b.self.Number), b.record())
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return err
		}
	}
}

func (b *Bus) record() []byte {
	b.census.mu.Lock()
	defer b.census.mu.Unlock()
	text, err := json.Marshal(record{b.self, b.id, b.census.own})
	if err != nil {
		panic(err) // these types always marshal
	}
	return text
}

// keep says again and again that this member is there, and holds its leases.
func (b *Bus) keep() {
	beat := time.NewTicker(b.o.Lapse / 4)
	defer beat.Stop()
	for {
		changed := false
		select {
		case <-beat.C:
		case <-b.census.turn:
			changed = true
		case <-b.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(b.ctx, b.o.Lapse/4)
		_, err := b.kv.Put(ctx, memberKey(b.self.Number), b.record())
		if !changed {
			b.leases.renew(ctx, b)
		}
		cancel()
		if err != nil && b.ctx.Err() == nil {
			b.o.Logger.Warn("the bus does not take note of us", "error", err)
		}
		if changed {
			select {
			case <-time.After(countEvery):
			case <-b.ctx.Done():
				return
			}
		}
	}
}

// follow keeps the census of the others up to date.
func (b *Bus) follow() {
	for b.ctx.Err() == nil {
		if err := b.hear(); err != nil && b.ctx.Err() == nil {
			b.o.Logger.Warn("the bus does not say who is there, trying again", "error", err)
			select {
			case <-time.After(time.Second):
			case <-b.ctx.Done():
			}
		}
	}
}

func (b *Bus) hear() error {
	w, err := b.kv.Watch(b.ctx, "member.*")
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }() // the connection may be gone
	for {
		select {
		case entry, ok := <-w.Updates():
			switch {
			case !ok:
				return errors.New("the watch has ended")
			case entry != nil: // nil stands behind what was there
				b.hears(entry)
			}
		case <-b.ctx.Done():
			return nil
		}
	}
}

func (b *Bus) hears(entry jetstream.KeyValueEntry) {
	number, err := strconv.ParseUint(strings.TrimPrefix(entry.Key(), "member."), 10, 64)
	if err != nil || number == b.self.Number {
		return
	}
	c := &b.census
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &heard{at: time.Now()}
	if entry.Operation() != jetstream.KeyValuePut {
		if left := c.others[number]; left != nil {
			b.o.Logger.Info("a member has left", "kind", left.Kind, "name", left.Name)
		}
		delete(c.others, number)
		return
	}
	if err := json.Unmarshal(entry.Value(), &h.record); err != nil {
		b.o.Logger.Warn("a member cannot be understood", "key", entry.Key(), "error", err)
		return
	}
	if c.others[number] == nil {
		b.o.Logger.Info("a member is there", "kind", h.Kind, "name", h.Name)
	}
	c.others[number] = h
}

// present drops those that were not heard of for too long. mu is held.
func (b *Bus) present() map[uint64]*heard {
	for number, h := range b.census.others {
		if time.Since(h.at) > b.o.Lapse {
			delete(b.census.others, number)
			b.o.Logger.Warn("a member is gone without a word", "kind", h.Kind, "name", h.Name)
		}
	}
	return b.census.others
}

// Count is that of a [bus.Bus].
func (b *Bus) Count(key string, n int) {
	c := &b.census
	c.mu.Lock()
	if c.own[key] = n; n == 0 {
		delete(c.own, key)
	}
	c.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
	default:
	}
}

// Others is that of a [bus.Bus].
func (b *Bus) Others(key string) (n int) {
	b.census.mu.Lock()
	defer b.census.mu.Unlock()
	for _, h := range b.present() {
		n += h.Counts[key]
	}
	return n
}

// Members is that of a [bus.Bus].
func (b *Bus) Members() []bus.Member {
	b.census.mu.Lock()
	defer b.census.mu.Unlock()
	list := []bus.Member{b.self}
	for h := range maps.Values(b.present()) {
		list = append(list, h.Member)
	}
	slices.SortFunc(list, func(a, b bus.Member) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// quit takes back what the member has said of itself.
func (b *Bus) quit(ctx context.Context) {
	b.leases.drop(ctx, b)
	if err := b.kv.Purge(ctx, memberKey(b.self.Number)); err != nil {
		b.o.Logger.Debug("the bus learns by and by that we have left", "error", fmt.Errorf("purge: %w", err))
	}
}
