package bridge

import (
	"context"

	"golang.org/x/time/rate"
)

// throttle holds up a page that sends or takes more than it may. A nil one holds
// up no one.
type throttle struct {
	frames, up, down *rate.Limiter // nil without a limit
	ctx              context.Context
	stop             context.CancelFunc // … and no one is held up any more
}

func newThrottle(l *Limits) *throttle {
	t := &throttle{
		frames: limiter(l.Frames, int(l.Frames)+1),
		up:     limiter(l.Bytes, int(l.Bytes)+1),
		down:   limiter(l.Bytes, int(l.Bytes)+1),
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// came waits until so much more may come.
func (t *throttle) came(frames, bytes int) {
	if t != nil {
		t.wait(t.frames, frames)
		t.wait(t.up, bytes)
	}
}

// goes waits until so many bytes may go.
func (t *throttle) goes(bytes int) {
	if t != nil {
		t.wait(t.down, bytes)
	}
}

func (t *throttle) wait(l *rate.Limiter, n int) {
	for l != nil && n > 0 {
		some := min(n, l.Burst())
		if l.WaitN(t.ctx, some) != nil {
			return // no one is held up any more
		}
		n -= some
	}
}

// end lets all go on.
func (t *throttle) end() {
	if t != nil {
		t.stop()
	}
}
