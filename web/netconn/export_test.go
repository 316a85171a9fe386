package netconn

import "time"

// SetPatience sets how long a port may be refused.
func (d *Dialer) SetPatience(p time.Duration) {
	d.turn.Lock()
	defer d.turn.Unlock()
	d.patience = p
}

// Await waits until a listener listens, or never will.
func (l *Listener) Await() { l.until(func() bool { return l.up || l.err != nil }) }

// AwaitRefusal waits until a listener that was lost is refused its port.
func (l *Listener) AwaitRefusal() { l.until(func() bool { return !l.refused.IsZero() }) }

func (l *Listener) until(is func() bool) {
	l.moved.L.Lock()
	defer l.moved.L.Unlock()
	for !is() && !l.closed {
		l.moved.Wait()
	}
}
