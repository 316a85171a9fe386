//go:build linux

package main

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"
)

// echoer keeps depth messages under way on each of a link's streams.
type echoer struct {
	link    link
	streams []*stream
	size    int
	depth   int
	done    atomic.Uint64 // messages that came back

	ready []*stream // that may send
	under int       // messages under way
	back  uint64    // came back in this read
}

// run sends until stop, and then waits for what is still under way: nothing may
// be lost. It can run again.
func (e *echoer) run(stop func() bool) error {
	got := e.got // once, so that a read makes no closure
	for _, st := range e.streams {
		st.owed = e.depth
		e.list(st)
	}
	for {
		if !stop() {
			if err := e.send(); err != nil {
				return err
			}
		} else if e.under == 0 {
			e.ready = e.ready[:0]
			for _, st := range e.streams {
				st.listed = false
			}
			return nil
		}
		e.back = 0
		if err := e.link.read(got); err != nil {
			return err
		}
		e.done.Add(e.back)
	}
}

// send sends all that may be sent in one call. A stream without room for all of
// it keeps the rest.
func (e *echoer) send() error {
	waiting := e.ready[:0]
	for _, st := range e.ready {
		n := st.owed
		if st.head != nil {
			n = min(n, int(st.room.Load())/e.size)
		}
		if n > 0 {
			e.link.queue(st, e.size, n)
			st.owed -= n
			e.under += n
		}
		if st.listed = st.owed > 0; st.listed {
			waiting = append(waiting, st)
		}
	}
	e.ready = waiting
	return e.link.flush()
}

func (e *echoer) got(st *stream, n int) {
	st.part += n
	back := len(st.greeting) + e.size
	k := st.part / back
	if k == 0 {
		return
	}
	st.part -= k * back
	st.owed += k
	e.under -= k
	e.back += uint64(k)
	e.list(st)
}

func (e *echoer) list(st *stream) {
	if !st.listed {
		st.listed = true
		e.ready = append(e.ready, st)
	}
}

// echoPhase is echo on that many connections, or on that many streams of one
// session.
func echoPhase(conns, streams, size, depth int) func(*trial) error {
	return func(t *trial) error {
		if err := t.begin(echo); err != nil {
			return err
		}
		echoers := make([]*echoer, conns)
		for i := range echoers {
			e := &echoer{size: size, depth: depth}
			var err error
			if e.link, e.streams, err = t.many(streams, 2*size*depth+4<<10); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
			echoers[i] = e
		}
		var stop atomic.Bool
		crew := t.crew()
		for i, e := range echoers {
			crew.do(fmt.Sprintf("connection %d", i), func() error { return e.run(stop.Load) })
		}
		var least uint64
		if depth > 1 { // the first thousand that are joined to none are not a load yet
			least = uint64(1100 * conns)
		}
		m, err := t.measure(func() (n uint64) {
			for _, e := range echoers {
				n += e.done.Load()
			}
			return n
		}, least, crew.failed)
		stop.Store(true)
		if err != nil {
			t.cut()
		}
		if lost := crew.wait(); lost != nil || err != nil {
			return cmp.Or(err, lost)
		}
		t.report("echo CPU", "µs a message", m.per(time.Microsecond))
		t.report("echo rate", "messages/s", m.rate())
		return nil
	}
}

// many opens a link with that many streams, which only a session has.
func (t *trial) many(streams, buffer int) (link, []*stream, error) {
	if streams == 1 {
		l, st, err := t.open(buffer)
		return l, []*stream{st}, err
	}
	c, err := t.connect()
	if err != nil {
		return nil, nil, err
	}
	s, err := t.session(c, buffer)
	if err != nil {
		return nil, nil, err
	}
	targets := make([]string, streams)
	for i := range targets {
		targets[i] = t.servers[0].addr
	}
	all, err := s.dial(targets)
	return s, all, err
}
