//go:build linux

package main

import (
	"fmt"
	"time"
)

const (
	// usedBurst is what a connection has carried at once before it is "used".
	usedBurst = 128 << 10
	// before are how many connections come and go first, one at a time: so many
	// that a collector of garbage has run, and what the start left behind, as of
	// the gateway's compiling its page, is not taken for memory in use.
	before = 3000
	// firstFew are the connections after which those that follow are counted
	// apart.
	firstFew = 1000
	// settleStep and settleSteps bound the wait for memory to be given back.
	settleStep  = time.Second
	settleSteps = 15
)

// idle is what a connection costs that does nothing: after one small message
// (fresh), and after a burst (used). What the peer has without connections is
// taken off. That is uncertain by 2 MiB or so for a runtime with a heap: what it
// has collected but not given back, the first connections take into use, and
// seem cheaper by as much. So where there are many, those after the first
// thousand are measured apart, against what there was with these ("further"):
// of a connection's cost this is the better figure.
func idle(conns int) func(*trial) error {
	return func(t *trial) error {
		if err := t.begin(echo); err != nil {
			return err
		}
		for range before {
			if err := t.once(); err != nil {
				return err
			}
		}
		return t.profiled(func() error { return t.crowd(conns) })
	}
}

func (t *trial) crowd(conns int) error {
	base, err := t.settled()
	if err != nil {
		return err
	}
	links := make([]link, conns)
	streams := make([]*stream, conns)
	open := func(i int) (err error) {
		if links[i], streams[i], err = t.open(smallBuffer); err != nil {
			return err
		}
		return burst(links[i], streams[i], small, 1)
	}
	few := base
	if conns > firstFew {
		if err := t.each("fresh", 0, firstFew, open); err != nil {
			return err
		}
		if few, err = t.settled(); err != nil {
			return err
		}
		if err := t.each("fresh", firstFew, conns, open); err != nil {
			return err
		}
	} else if err := t.each("fresh", 0, conns, open); err != nil {
		return err
	}
	fresh, err := t.settled()
	if err != nil {
		return err
	}
	t.cost("idle fresh", fresh-base, conns)
	if conns > firstFew {
		t.cost("idle further", fresh-few, conns-firstFew)
	}
	// A burst is less than what the kernels hold on its way there and back, so
	// all of it can be sent before any is read.
	if err := t.each("used", 0, conns, func(i int) error {
		return burst(links[i], streams[i], upload/2, usedBurst/(upload/2))
	}); err != nil {
		return err
	}
	used, err := t.settled()
	if err != nil {
		return err
	}
	t.cost("idle used", used-base, conns)
	return nil
}

// each calls f for the connections [from,to), some at once.
func (t *trial) each(name string, from, to int, f func(i int) error) error {
	crew := t.crew()
	for worker := range atOnce {
		crew.do(name, func() error {
			for i := from + worker; i < to; i += atOnce {
				if err := f(i); err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
			}
			return nil
		})
	}
	return crew.wait()
}

func (t *trial) cost(metric string, bytes float64, conns int) {
	t.report(metric, "KiB PSS a connection", bytes/1024/float64(conns))
}

// settled is the peer's memory when it has stopped falling: a runtime gives back
// what it does not need a little at a time.
func (t *trial) settled() (float64, error) {
	const still = 0.995
	least, err := t.process.pss()
	quiet := 0
	for waited := 0; err == nil && quiet < 2 && waited < settleSteps; waited++ {
		select {
		case <-time.After(t.step):
		case <-t.ctx.Done():
			return 0, t.ctx.Err()
		}
		var now float64
		now, err = t.process.pss()
		if quiet++; now < least*still {
			quiet = 0
		}
		least = min(least, now)
	}
	return least, err
}
