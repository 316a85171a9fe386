package bridge

import (
	"log/slog"
	"slices"
	"time"
)

// Grant is what a client may do who has shown who he is. A nil one is what anyone
// may.
type Grant struct {
	// User is whom the log names.
	User string
	// Targets are what he may dial of the policy's; all if there are none.
	Targets []Target
	// Watch lets him see the events of all sockets, not his own only.
	Watch bool
	// Holds tells, about once a second, whether he still may; then his session
	// ends. It must not block. If nil, he may for as long as a session lives.
	Holds func(now time.Time) bool
}

// of are the targets that he may dial, of all.
func (g *Grant) of(all []Target) []Target {
	if g == nil || len(g.Targets) == 0 {
		return all
	}
	return g.Targets
}

// holds tells whether he still may.
func (g *Grant) holds(now time.Time) bool { return g == nil || g.Holds == nil || g.Holds(now) }

// tell names him to a logger, if it is known who it is.
func (g *Grant) tell(l *slog.Logger) *slog.Logger {
	if g == nil {
		return l
	}
	return l.With("user", g.User)
}

// lists tells whether a target is one of a list.
func lists(list []Target, t Target) bool {
	return slices.ContainsFunc(list, func(l Target) bool { return l.Lists(t) })
}
