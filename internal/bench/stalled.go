//go:build linux

package main

import (
	"fmt"
	"time"

	"porthole/wire"
)

const (
	// fellows are the streams whose rate is looked at.
	fellows = 10
	// slice is how long each of two sessions has its turn.
	slice = 100 * time.Millisecond
)

// stalled is what is left of the rate of a session's streams when two more on
// it are stuck: one whose page gives no credit while its server pours, and one
// whose server reads nothing of a full window. The session with them and one
// without take turns, so that what else the machine does plays little part.
func stalled(t *trial) error {
	src := newSource(t.pattern, 0)
	dst := &sink{pattern: t.pattern}
	dst.mu.Lock() // it never reads
	defer dst.mu.Unlock()
	if err := t.begin(echo, src.serve, dst.serve); err != nil {
		return err
	}
	var free, stuck []float64
	err := t.profiled(func() error {
		alone, err := t.echoSession()
		if err != nil {
			return err
		}
		beside, err := t.echoSession()
		if err != nil {
			return err
		}
		if err := t.stick(beside.link.(*session), src); err != nil {
			return err
		}
		for range 2 { // to warm up
			if _, err := beside.slice(); err != nil {
				return err
			}
			if _, err := alone.slice(); err != nil {
				return err
			}
		}
		for range max(3, int(2*t.window/slice)) {
			for _, s := range []struct {
				e  *echoer
				to *[]float64
			}{{alone, &free}, {beside, &stuck}} {
				rate, err := s.e.slice()
				if err != nil {
					return err
				}
				*s.to = append(*s.to, rate)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	ratios := make([]float64, len(free))
	for i := range free {
		ratios[i] = stuck[i] / free[i]
	}
	t.report("rate alone", "messages/s", figureOf(free).median)
	t.report("rate beside stuck streams", "messages/s", figureOf(stuck).median)
	t.report("rate left", "of 1", figureOf(ratios).median)
	return nil
}

// echoSession is a session with streams to the first server.
func (t *trial) echoSession() (*echoer, error) {
	l, streams, err := t.many(fellows, bulkBuffer)
	return &echoer{link: l, streams: streams, size: small, depth: 1}, err
}

// stick opens a stream down and one up on a session, and waits until neither
// moves.
func (t *trial) stick(s *session, src *source) error {
	more, err := s.dial([]string{t.servers[1].addr, t.servers[2].addr})
	if err != nil {
		return err
	}
	down, up := more[0], more[1]
	down.frozen = true
	close(src.begin)
	got := func(*stream, int) {}
	for down.got < wire.MaxWindow {
		if err := s.read(got); err != nil {
			return fmt.Errorf("stream down: %w", err)
		}
	}
	// What kernels take counts as written: the window is full when no more is,
	// for longer than a wrote may be late.
	const calm = 500 * time.Millisecond
	for last := time.Now(); up.room.Load() > 0 || time.Since(last) < calm; {
		if n := min(int(up.room.Load()), upload); n > 0 {
			s.queue(up, n, 1)
			if err := s.flush(); err != nil {
				return err
			}
			last = time.Now()
			continue
		}
		if err := readFor(s, calm-time.Since(last)); err != nil {
			return fmt.Errorf("stream up: %w", err)
		}
	}
	return s.readDeadline(time.Now().Add(t.limit()))
}

// slice is the rate of echoes for a while.
func (e *echoer) slice() (float64, error) {
	start, before := time.Now(), e.done.Load()
	err := e.run(func() bool { return time.Since(start) > slice })
	return float64(e.done.Load()-before) / time.Since(start).Seconds(), err
}
