package natsbus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire/bus"
)

// leases are those of this member.
type leases struct {
	mu   sync.Mutex
	held map[string]*lease
}

// lease is one. What is under its key lapses unless it is put there again.
type lease struct {
	key      string
	revision uint64
	at       time.Time // of the newest try to renew it that was taken
	lost     func()
}

// leaseKey is a key that NATS takes, whatever is in it.
func leaseKey(key string) string {
	return "lease." + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// Lease is that of a [bus.Bus].
func (b *Bus) Lease(ctx context.Context, key string, lost func()) (release func(), err error) {
	l := &lease{key: leaseKey(key), at: time.Now(), lost: lost}
	l.revision, err = b.kv.Create(ctx, l.key, []byte(b.id))
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		return nil, bus.ErrLeased
	case err != nil:
		return nil, fmt.Errorf("bus: lease: %w", err)
	}
	ls := &b.leases
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.held == nil {
		ls.held = map[string]*lease{}
	}
	ls.held[l.key] = l
	return sync.OnceFunc(func() { ls.release(b, l) }), nil
}

// release gives a lease back: in a moment, so that no one waits for it.
func (ls *leases) release(b *Bus, l *lease) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.held[l.key] != l {
		return // it was lost
	}
	delete(ls.held, l.key)
	revision := l.revision
	if b.ctx.Err() == nil {
		b.work.Go(func() { b.giveBack(b.ctx, l.key, revision) })
	}
}

// giveBack makes a key free at once, unless it is another's by now.
func (b *Bus) giveBack(ctx context.Context, key string, revision uint64) {
	ctx, cancel := context.WithTimeout(ctx, b.o.Lapse)
	defer cancel()
	_ = b.kv.Delete(ctx, key, jetstream.LastRevision(revision)) // else it lapses
}

// renew holds on to all of them, and tells who has lost one.
func (ls *leases) renew(ctx context.Context, b *Bus) {
	ls.mu.Lock()
	held := slices.Collect(maps.Values(ls.held))
	ls.mu.Unlock()
	for _, l := range held { // l.revision and l.at change here alone
		at := time.Now()
		revision, err := b.kv.Update(ctx, l.key, []byte(b.id), l.revision)
		ls.mu.Lock()
		kept := ls.held[l.key] == l
		switch {
		case err == nil && !kept: // it was released meanwhile
			b.work.Go(func() { b.giveBack(b.ctx, l.key, revision) })
		case err == nil:
			l.revision, l.at = revision, at
		case kept && b.ctx.Err() == nil && (errors.Is(err, jetstream.ErrKeyExists) || time.Since(l.at) > b.o.Lapse*3/4):
			delete(ls.held, l.key)
			b.o.Logger.Warn("a lease is lost", "error", err)
			if l.lost != nil {
				b.work.Go(l.lost)
			}
		}
		ls.mu.Unlock()
	}
}

// drop gives all of them back.
func (ls *leases) drop(ctx context.Context, b *Bus) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for key, l := range ls.held {
		b.giveBack(ctx, key, l.revision)
	}
	clear(ls.held)
}
