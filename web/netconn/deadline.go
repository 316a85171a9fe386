package netconn

import (
	"sync"
	"time"
)

// deadline wakes who waits when its time has come. Its owner's mutex guards it.
type deadline struct {
	timer  *time.Timer
	passed bool
}

// set sets the time, zero for none, and what is woken: cond, whose mutex is held.
func (d *deadline) set(t time.Time, cond *sync.Cond) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	left := time.Until(t)
	d.passed = !t.IsZero() && left <= 0
	if !t.IsZero() && !d.passed {
		var timer *time.Timer
		timer = time.AfterFunc(left, func() {
			cond.L.Lock()
			defer cond.L.Unlock()
			if d.timer == timer { // it was not set anew
				d.passed = true
				cond.Broadcast()
			}
		})
		d.timer = timer
	}
	cond.Broadcast()
}

// stop ends the timer.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
