//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// small is the message of whatever is not about bytes.
	small = 64
	// smallBuffer is what a client reads small messages into.
	smallBuffer = 4 << 10
	// atOnce is how many set-ups are under way.
	atOnce = 32
	// rounds of the round trip, and those before it that do not count.
	trips, warmTrips = 5000, 500
)

// setup is connections that carry one message there and back and end in order.
func setup(t *trial) error {
	if err := t.begin(echo); err != nil {
		return err
	}
	var done atomic.Uint64
	var stop atomic.Bool
	crew := t.crew()
	for range atOnce {
		crew.do("set-up", func() error {
			for !stop.Load() {
				if err := t.once(); err != nil {
					return fmt.Errorf("after %d: %w", done.Load(), err)
				}
				done.Add(1)
			}
			return nil
		})
	}
	m, err := t.measure(done.Load, 0, crew.failed)
	stop.Store(true)
	if err != nil {
		t.cut()
	}
	lost := crew.wait()
	if err := cmp.Or(err, lost); err != nil {
		return err
	}
	t.report("set-up CPU", "µs each", m.per(time.Microsecond))
	t.report("set-up rate", "connections/s", m.rate())
	return nil
}

func (t *trial) once() error {
	l, st, err := t.open(smallBuffer)
	if err != nil {
		return err
	}
	if err := burst(l, st, small, 1); err != nil {
		return err
	}
	return l.close()
}

// burst sends messages and waits until all of them are back.
func burst(l link, st *stream, size, count int) error {
	e := &echoer{link: l, streams: []*stream{st}, size: size, depth: count}
	turns := 0
	return e.run(func() bool { turns++; return turns > 1 })
}

// rtt is how long a message takes there and back when there is no other.
func rtt(t *trial) error {
	if err := t.begin(echo); err != nil {
		return err
	}
	l, st, err := t.open(smallBuffer)
	if err != nil {
		return err
	}
	took := make([]time.Duration, 0, trips)
	rounds := func() error {
		back := 0
		got := func(_ *stream, n int) { back += n }
		for i := range warmTrips + trips {
			for st.head != nil && st.room.Load() < small {
				if err := l.read(got); err != nil {
					return err
				}
			}
			start := time.Now()
			l.queue(st, small, 1)
			if err := l.flush(); err != nil {
				return err
			}
			for back = 0; back < small; {
				if err := l.read(got); err != nil {
					return err
				}
			}
			if i >= warmTrips {
				took = append(took, time.Since(start))
			}
		}
		return nil
	}
	if err := t.profiled(rounds); err != nil {
		return err
	}
	slices.Sort(took)
	micros := func(i int) float64 { return float64(took[i]) / float64(time.Microsecond) }
	t.report("round trip p50", "µs", micros(len(took)/2))
	t.report("round trip p99", "µs", micros(len(took)*99/100))
	return nil
}
