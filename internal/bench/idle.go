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
	// settleStep and settleLimit bound the wait for memory to be given back.
	settleStep  = time.Second
	settleLimit = 15 * time.Second
)

// idle is what a connection costs that does nothing: after one small message
// (fresh), and after a burst (used). What the peer has without connections is
// taken off.
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
		base, err := t.settled()
		if err != nil {
			return err
		}
		links := make([]link, conns)
		streams := make([]*stream, conns)
		each := func(name string, f func(i int) error) error {
			crew := t.crew()
			for worker := range atOnce {
				crew.do(name, func() error {
					for i := worker; i < conns; i += atOnce {
						if err := f(i); err != nil {
							return fmt.Errorf("connection %d: %w", i, err)
						}
					}
					return nil
				})
			}
			return crew.wait()
		}
		if err := each("fresh", func(i int) (err error) {
			if links[i], streams[i], err = t.open(smallBuffer); err != nil {
				return err
			}
			return burst(links[i], streams[i], small, 1)
		}); err != nil {
			return err
		}
		if err := t.cost("idle fresh", base, conns); err != nil {
			return err
		}
		// A burst is less than what the kernels hold on its way there and back, so
		// all of it can be sent before any is read.
		if err := each("used", func(i int) error {
			return burst(links[i], streams[i], upload/2, usedBurst/(upload/2))
		}); err != nil {
			return err
		}
		return t.cost("idle used", base, conns)
	}
}

func (t *trial) cost(metric string, base float64, conns int) error {
	now, err := t.settled()
	if err != nil {
		return err
	}
	t.report(metric, "KiB PSS a connection", (now-base)/1024/float64(conns))
	return nil
}

// settled is the peer's memory when it has stopped falling: a runtime gives back
// what it does not need a little at a time.
func (t *trial) settled() (float64, error) {
	const still = 0.995
	least, err := t.process.pss()
	quiet := 0
	for waited := time.Duration(0); err == nil && quiet < 2 && waited < settleLimit; waited += settleStep {
		select {
		case <-time.After(settleStep):
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
