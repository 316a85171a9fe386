//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"porthole/wire"
)

// trial is one measurement of one peer in a process of its own. It owns the
// process, the servers behind it and the connections to it, and ends them all.
type trial struct {
	ctx     context.Context
	peer    peer
	dir     string
	pattern *pattern
	window  time.Duration
	step    time.Duration                                 // between looks at memory that settles
	profile func(*process) (stop func() error, err error) // while the window is open; or nil

	process *process
	servers []*backend
	mu      sync.Mutex
	conns   []net.Conn
	over    bool
	samples []sample
}

// sample is a figure that a trial found.
type sample struct {
	Phase  string  `json:"phase"`
	Peer   string  `json:"peer"`
	Round  int     `json:"round"`
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}

func (t *trial) report(metric, unit string, value float64) {
	t.samples = append(t.samples, sample{Peer: t.peer.name, Metric: metric, Unit: unit, Value: value})
}

// begin starts a server for each function, and the peer in front of them.
func (t *trial) begin(serve ...func(*net.TCPConn) error) error {
	var targets []string
	for _, f := range serve {
		b, err := newBackend(f)
		if err != nil {
			return err
		}
		t.servers = append(t.servers, b)
		targets = append(targets, b.addr)
	}
	p, err := t.peer.start(t.ctx, t.dir, targets)
	t.process = p
	return err
}

// end ends everything, and says whether a server got what was wrong.
func (t *trial) end() error {
	t.cut()
	if t.process != nil {
		t.process.stop()
	}
	var errs []error
	for _, b := range t.servers {
		errs = append(errs, b.close())
	}
	return errors.Join(errs...)
}

// cut closes all connections, so that no one waits for them.
func (t *trial) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	for _, c := range t.conns {
		_ = c.Close()
	}
}

// connect opens a connection to the peer that ends when the trial does.
func (t *trial) connect() (*net.TCPConn, error) {
	c, err := t.dialer().Dial("tcp", t.process.addr)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(t.limit())); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		_ = c.Close()
	}
	t.conns = append(t.conns, c)
	return c.(*net.TCPConn), nil
}

// perSource is how many connections come from one address of this machine. There
// may be 28,000 or so to one port of another (ip_local_port_range, ip(7)).
const perSource = 16384

// dialer dials from the next address once one has had enough.
func (t *trial) dialer() *net.Dialer {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.conns) / perSource
	if n == 0 {
		return &net.Dialer{}
	}
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n%200))}}
}

// limit is how long a connection may take for all that it does.
func (t *trial) limit() time.Duration { return 3*t.window + 6*patience }

// open opens a link with one stream to the first server. buffer is for reading.
func (t *trial) open(buffer int) (link, *stream, error) {
	return t.openTo(t.servers[0].addr, t.peer.speaks, buffer)
}

// openTo opens a link with one stream: to a server that only porthole.v1 chooses.
func (t *trial) openTo(server string, speaks protocol, buffer int) (link, *stream, error) {
	c, err := t.connect()
	if err != nil {
		return nil, nil, err
	}
	switch speaks {
	case speaksTCP:
		l := &plain{c: c, pattern: t.pattern, st: &stream{}, in: make([]byte, buffer)}
		return l, l.st, nil
	case speaksRaw:
		w, err := upgrade(c, t.pattern, "/ws", "", buffer)
		if err != nil {
			return nil, nil, err
		}
		l := newRaw(w)
		return l, l.st, nil
	}
	s, err := t.session(c, buffer)
	if err != nil {
		return nil, nil, err
	}
	streams, err := s.dial([]string{server})
	if err != nil {
		return nil, nil, err
	}
	return s, streams[0], nil
}

func (t *trial) session(c net.Conn, buffer int) (*session, error) {
	w, err := upgrade(c, t.pattern, "/ws", wire.Subprotocol, buffer)
	if err != nil {
		return nil, err
	}
	return newSession(w)
}

// measured is what a peer did while the window was open.
type measured struct {
	cpu  time.Duration
	wall time.Duration
	done uint64
}

func (m measured) per(unit time.Duration) float64 {
	return float64(m.cpu) / float64(unit) / float64(m.done)
}
func (m measured) rate() float64 { return float64(m.done) / m.wall.Seconds() }

// measure warms up, until at least so much is done, and then looks at the peer's
// clock, and at how much is done, when the window opens and when it closes. It
// returns early if the work fails.
func (t *trial) measure(done func() uint64, least uint64, failed <-chan struct{}) (m measured, err error) {
	wait := func(d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-failed:
			return nil // the work says why
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
	for warm := false; !warm; {
		if err := wait(min(t.window/2, time.Second)); err != nil {
			return m, err
		}
		select {
		case <-failed:
			warm = true
		default:
			warm = done() >= least
		}
	}
	err = t.profiled(func() error {
		cpu, err := t.process.cpu()
		if err != nil {
			return err
		}
		start, before := time.Now(), done()
		if err := wait(t.window); err != nil {
			return err
		}
		after, wall := done(), time.Since(start)
		end, err := t.process.cpu()
		m = measured{cpu: end - cpu, wall: wall, done: after - before}
		return err
	})
	return m, err
}

// profiled runs f while the peer is profiled, if it is to be.
func (t *trial) profiled(f func() error) error {
	if t.profile == nil {
		return f()
	}
	stop, err := t.profile(t.process)
	if err != nil {
		return err
	}
	return errors.Join(f(), stop()) // in this order
}

// crew is goroutines that work until one of them fails.
type crew struct {
	wg     sync.WaitGroup
	once   sync.Once
	failed chan struct{} // closed when one has
	err    error         // why, once failed is closed
	cut    func()        // makes the others return
}

func (t *trial) crew() *crew { return &crew{failed: make(chan struct{}), cut: t.cut} }

func (c *crew) do(name string, f func() error) {
	c.wg.Go(func() {
		if err := f(); err != nil {
			c.once.Do(func() {
				c.err = fmt.Errorf("%s: %w", name, err)
				close(c.failed)
				c.cut()
			})
		}
	})
}

// wait waits for all.
func (c *crew) wait() error {
	c.wg.Wait()
	return c.err
}
