package bridge

import (
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

const (
	// minSample bounds how often the kernels are asked: as often as an eye sees.
	minSample = 20 * time.Millisecond
	maxSample = time.Hour
)

// kernels tells whether the session's sockets can be sampled.
func (b *Bridge) kernels() bool { return b.Log != nil && tap.KernelTells }

// observe takes the page's wish to know of the kernels. Only the session's
// reader calls it.
func (s *session) observe(rest []byte) error {
	var o wire.Observe
	if err := wire.Parse(rest, &o); err != nil {
		return err
	}
	if !s.b.kernels() || o.Sample == 0 && s.periods == nil {
		return nil
	}
	var period time.Duration
	if o.Sample > 0 {
		period = max(minSample, time.Duration(min(o.Sample, uint64(maxSample/time.Millisecond)))*time.Millisecond)
	}
	if s.periods == nil {
		s.periods = make(chan time.Duration, 1)
		s.spawn(s.sample)
	}
	select {
	case <-s.periods: // it was not seen, and counts no more
	default:
	}
	s.periods <- period // there is room: no one else sends
	return nil
}

// sample tells the page how the kernels are, as often as it wishes, until the
// session ends. A page that does not read is not told behind its back: what has
// changed meanwhile is one message.
func (s *session) sample() {
	ticks := time.NewTicker(maxSample)
	defer ticks.Stop()
	ticks.Stop() // until a period comes
	for {
		select {
		case <-s.ctx.Done():
			return
		case period := <-s.periods:
			if period == 0 {
				ticks.Stop()
			} else {
				ticks.Reset(period)
			}
		case <-ticks.C:
			for _, st := range s.living() {
				st.sample()
			}
		}
	}
}

// sample tells how both sockets are, if they are not as they were. It holds the
// far end's lock while it tells, so that nothing comes behind closed.
func (st *stream) sample() {
	st.mu.Lock()
	conn, ok := st.conn.(*tap.Conn)
	over := st.reason != 0
	st.mu.Unlock()
	if !ok || over {
		return
	}
	f := &st.far
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	var now wire.Kernels
	if st.accepted() {
		now.Server = conn.Kernel()
	} else {
		now.Client = conn.Kernel()
	}
	if f.conn != nil {
		now.Server = f.conn.Kernel()
	}
	if now != f.told {
		f.told = now
		_ = st.s.send(st.id, wire.OpKernel, &now) // a broken WebSocket shows in reading
	}
}
