//go:build linux

package main

import (
	"cmp"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

const (
	// upload is how long a page's message is when it has much to send.
	upload = 32 << 10
	// bulkBuffer is what a client reads into when much comes.
	bulkBuffer = 256 << 10
)

// down is bytes from a server to a page, as many as go.
func down(t *trial) error {
	src := newSource(t.pattern, 0)
	if err := t.begin(src.serve); err != nil {
		return err
	}
	l, _, err := t.open(bulkBuffer)
	if err != nil {
		return err
	}
	var got atomic.Uint64
	crew := t.crew()
	crew.do("download", func() error {
		return readUntil(l, &got, patience, func() bool { return src.ended() && got.Load() == src.sent.Load() })
	})
	close(src.begin)
	m, err := t.measure(got.Load, 0, crew.failed)
	src.stop.Store(true)
	if err != nil {
		t.cut()
	}
	lost := crew.wait()
	if err := cmp.Or(err, lost); err != nil {
		return err
	}
	t.bulk("down", m)
	return nil
}

// up is bytes from a page to a server, as many as go.
func up(t *trial) error {
	dst := &sink{pattern: t.pattern}
	if err := t.begin(dst.serve); err != nil {
		return err
	}
	u, err := t.upload(0)
	if err != nil {
		return err
	}
	m, err := t.measure(dst.got.Load, 0, u.crew.failed)
	if err != nil {
		t.cut()
	}
	if err := cmp.Or(err, u.finish(t, dst)); err != nil {
		return err
	}
	t.bulk("up", m)
	return nil
}

func (t *trial) bulk(way string, m measured) {
	const mib = 1 << 20
	t.report(way+" CPU", "s a GiB", m.per(time.Second)*(1<<30))
	t.report(way+" rate", "MiB/s", m.rate()/mib)
}

// ended tells whether it sends no more.
func (s *source) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// readUntil reads until all is there. It looks now and then even if nothing
// comes, for what it waits for may have happened elsewhere. That nothing comes
// for too long is an error; if zero, nothing is too long.
func readUntil(l link, got *atomic.Uint64, tooLong time.Duration, all func() bool) error {
	const look = 50 * time.Millisecond
	add := func(_ *stream, n int) { got.Add(uint64(n)) }
	for last := time.Now(); !all(); {
		now := time.Now()
		if err := l.readDeadline(now.Add(look)); err != nil {
			return err
		}
		before := got.Load()
		err := l.read(add)
		if got.Load() > before {
			last = now
		}
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !late || late && tooLong > 0 && now.Sub(last) > tooLong {
			return err
		}
	}
	return nil
}

// readFor reads once what comes within a time, if anything does.
func readFor(l link, d time.Duration) error {
	if err := l.readDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	err := l.read(func(*stream, int) {})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// uploader sends the pattern in messages, and reads what comes back for it.
type uploader struct {
	crew *crew
	stop atomic.Bool
	over atomic.Bool // the reader may leave
	sent atomic.Uint64
	done chan struct{} // closed when nothing more is sent
}

// upload begins to send: so many bytes a second, or if zero as many as go.
func (t *trial) upload(rate float64) (*uploader, error) {
	l, st, err := t.open(bulkBuffer)
	if err != nil {
		return nil, err
	}
	u := &uploader{crew: t.crew(), done: make(chan struct{})}
	u.crew.do("upload", func() error {
		defer close(u.done)
		return pace(rate, upload, u.stop.Load, func() error {
			for st.head != nil && st.room.Load() < upload {
				select {
				case <-st.grown:
				case <-u.crew.failed:
					return nil
				}
				if u.stop.Load() {
					return nil
				}
			}
			l.queue(st, upload, 1)
			u.sent.Add(upload)
			return l.flush()
		})
	})
	u.crew.do("upload's answers", func() error {
		return readUntil(l, new(atomic.Uint64), 0, u.over.Load)
	})
	return u, nil
}

// finish stops sending and waits until the server has all that was sent.
func (u *uploader) finish(t *trial, dst *sink) error {
	u.stop.Store(true)
	u.crew.do("upload's end", func() error {
		defer u.over.Store(true)
		<-u.done // it has a deadline
		for end := time.Now().Add(patience); ; {
			had := dst.got.Load()
			if had == u.sent.Load() {
				return nil
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-u.crew.failed:
				return nil
			case <-t.ctx.Done():
				return t.ctx.Err()
			}
			if dst.got.Load() != had {
				end = time.Now().Add(patience)
			} else if time.Now().After(end) {
				return errors.New("bytes that were sent did not arrive")
			}
		}
	})
	return u.crew.wait()
}
