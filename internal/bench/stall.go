//go:build linux

package main

import (
	"cmp"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// offered is how much is sent to a reader that has stopped, a second.
	offered = 100 << 20
	// stallTime is how long it has.
	stallTime = 3 * time.Second
	// flowing is how long bytes flow before, so that what the peer needs for
	// that is not taken for growth.
	flowing = time.Second
)

// stallDown is a page that stops reading while its server goes on sending.
func stallDown(t *trial) error {
	src := newSource(t.pattern, offered)
	if err := t.begin(src.serve); err != nil {
		return err
	}
	l, _, err := t.open(bulkBuffer)
	if err != nil {
		return err
	}
	var got atomic.Uint64
	read := func(all func() bool) error {
		crew := t.crew()
		crew.do("download", func() error { return readUntil(l, &got, patience, all) })
		return crew.wait()
	}
	close(src.begin)
	start := time.Now()
	if err := read(func() bool { return time.Since(start) > flowing }); err != nil {
		return err
	}
	growth, err := t.growth()
	if err != nil {
		return err
	}
	src.stop.Store(true)
	if err := read(func() bool { return src.ended() && got.Load() == src.sent.Load() }); err != nil {
		return err
	}
	t.report("stall growth", "MiB", growth)
	return nil
}

// stallUp is a server that stops reading while its page goes on sending.
func stallUp(t *trial) error {
	dst := &sink{pattern: t.pattern}
	if err := t.begin(dst.serve); err != nil {
		return err
	}
	u, err := t.upload(offered)
	if err != nil {
		return err
	}
	select {
	case <-time.After(flowing):
	case <-u.crew.failed:
		return u.crew.wait()
	}
	if dst.got.Load() == 0 {
		t.cut()
		return errors.Join(errors.New("nothing arrived before the stall"), u.crew.wait())
	}
	dst.mu.Lock()
	growth, err := t.growth()
	dst.mu.Unlock()
	if err != nil {
		t.cut()
	}
	if err := cmp.Or(err, u.finish(t, dst)); err != nil {
		return err
	}
	t.report("stall growth", "MiB", growth)
	return nil
}

// growth is by how much the peer's memory grows while the stall lasts, in MiB.
func (t *trial) growth() (mib float64, err error) {
	err = t.profiled(func() (err error) {
		mib, err = t.watchGrowth()
		return err
	})
	return mib, err
}

func (t *trial) watchGrowth() (float64, error) {
	const look = 100 * time.Millisecond
	base, err := t.process.pss()
	most := base
	for end := time.Now().Add(stallTime); err == nil && time.Now().Before(end); {
		select {
		case <-time.After(look):
		case <-t.ctx.Done():
			return 0, t.ctx.Err()
		}
		var now float64
		now, err = t.process.pss()
		most = max(most, now)
	}
	return (most - base) / (1 << 20), err
}
