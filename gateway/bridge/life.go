package bridge

import (
	"sync/atomic"
	"time"
)

// life is what a session is judged by as time passes. All but the bytes is
// sweep's.
type life struct {
	up, down atomic.Uint64 // bytes for and from its sockets

	began  time.Time
	moved  pace
	sends  pace
	heard  pace
	pinged time.Time
}

// pace is a counter as it was when it last moved.
type pace struct {
	count uint64
	since time.Time
}

// stands tells for how long the counter has stood at n.
func (p *pace) stands(n uint64, now time.Time) time.Duration {
	if n != p.count || p.since.IsZero() {
		p.count, p.since = n, now
	}
	return now.Sub(p.since)
}

// Why a session is ended, as it is counted; and as it is told.
const (
	lateAge     = "age"
	lateIdle    = "idle"
	lateBlocked = "blocked"
	lateSilent  = "silent"
	lateAccess  = "access"
)

var lateTexts = map[string]string{
	lateAge:    "this session has lived as long as one may; open another",
	lateIdle:   "no bytes for too long",
	lateAccess: "your access has ended; show again who you are",
}

// duePing is no reason to end a session, but to ask whether its page is there.
const duePing = "ping"

// look judges a session by its socket's counts of reads and writes, which are odd
// while one is under way. A page that is not waited for, as what it sent has yet
// to go on, may be silent.
func (f *life) look(now time.Time, reads, sends uint64, l *Limits) string {
	if f.began.IsZero() {
		f.began = now
	}
	idle := f.moved.stands(f.up.Load()+f.down.Load(), now)
	stuck := f.sends.stands(sends, now)
	if reads%2 == 0 {
		f.heard = pace{}
	}
	silent := f.heard.stands(reads, now)
	asked := f.pinged.After(f.heard.since)
	switch {
	case sends%2 == 1 && lapsed(stuck, l.Blocked):
		return lateBlocked
	case asked && lapsed(now.Sub(f.pinged), l.Blocked):
		return lateSilent
	case lapsed(now.Sub(f.began), l.Age):
		return lateAge
	case lapsed(idle, l.Idle):
		return lateIdle
	case !asked && lapsed(silent, l.Ping):
		f.pinged = now
		return duePing
	}
	return ""
}
