package bridge

import (
	"testing"
	"time"
)

// What a session is ended for, by what it did since it was last looked at.
func TestLook(t *testing.T) {
	type at struct {
		second int
		bytes  uint64 // for and from sockets, until then
		sends  uint64
		reads  uint64
	}
	const s = time.Second
	for name, tt := range map[string]struct {
		limits Limits
		looks  []at
		want   string // at the last of them; "" before
	}{
		"no limit":                 {Limits{Age: -1, Idle: -1, Blocked: -1, Ping: -1}, []at{{0, 0, 1, 0}, {9999, 0, 1, 0}}, ""},
		"young":                    {Limits{Age: 5 * s, Idle: -1, Blocked: -1, Ping: -1}, []at{{0, 0, 0, 0}, {5, 0, 0, 0}}, ""},
		"old":                      {Limits{Age: 5 * s, Idle: -1, Blocked: -1, Ping: -1}, []at{{0, 0, 0, 0}, {3, 1, 0, 0}, {6, 2, 0, 0}}, lateAge},
		"idle":                     {Limits{Age: -1, Idle: 5 * s, Blocked: -1, Ping: -1}, []at{{0, 0, 0, 0}, {3, 1, 0, 0}, {8, 1, 0, 0}, {9, 1, 0, 0}}, lateIdle},
		"not idle":                 {Limits{Age: -1, Idle: 5 * s, Blocked: -1, Ping: -1}, []at{{0, 0, 0, 0}, {5, 1, 0, 0}, {10, 2, 0, 0}}, ""},
		"writes are no bytes":      {Limits{Age: -1, Idle: 5 * s, Blocked: -1, Ping: -1}, []at{{0, 0, 0, 0}, {3, 0, 2, 0}, {6, 0, 4, 0}}, lateIdle},
		"blocked":                  {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: -1}, []at{{0, 0, 2, 0}, {1, 0, 3, 0}, {6, 0, 3, 0}, {7, 0, 3, 0}}, lateBlocked},
		"slow":                     {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: -1}, []at{{0, 0, 3, 0}, {5, 0, 5, 0}, {10, 0, 7, 0}}, ""},
		"nothing to write":         {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: -1}, []at{{0, 0, 2, 0}, {99, 0, 2, 0}}, ""},
		"blocked and idle: is cut": {Limits{Age: 5 * s, Idle: 5 * s, Blocked: 5 * s, Ping: -1}, []at{{0, 0, 1, 0}, {6, 0, 1, 0}}, lateBlocked},
		"asked":                    {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: 5 * s}, []at{{0, 0, 0, 1}, {5, 9, 2, 1}, {6, 9, 2, 1}}, duePing},
		"not asked":                {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: 5 * s}, []at{{0, 0, 0, 1}, {5, 0, 0, 3}, {10, 0, 0, 5}}, ""},
		"not waited for":           {Limits{Age: -1, Idle: -1, Blocked: 5 * s, Ping: 5 * s}, []at{{0, 0, 0, 2}, {6, 0, 0, 2}, {99, 0, 0, 2}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var f life
			began := time.Now()
			for i, look := range tt.looks {
				f.up.Store(look.bytes / 2)
				f.down.Store(look.bytes - look.bytes/2)
				want := tt.want
				if i < len(tt.looks)-1 {
					want = ""
				}
				if got := f.look(began.Add(time.Duration(look.second)*s), look.reads, look.sends, &tt.limits); got != want {
					t.Errorf("after %d s %q, want %q", look.second, got, want)
				}
			}
		})
	}
}

// A page that was asked answers, or is gone; one that has answered is asked again.
func TestLookAsks(t *testing.T) {
	var f life
	l := Limits{Age: -1, Idle: -1, Blocked: 5 * time.Second, Ping: 10 * time.Second}
	began := time.Now()
	for _, look := range []struct {
		second int
		reads  uint64
		want   string
	}{
		{0, 1, ""}, {10, 1, ""}, {11, 1, duePing}, {12, 1, ""}, {16, 1, ""}, // it has until then
		{16, 3, ""}, {26, 3, ""}, {27, 3, duePing}, {28, 4, ""}, {99, 4, ""}, // it answered, and waits for us
		{99, 5, ""}, {110, 5, duePing}, {115, 5, ""}, {116, 5, lateSilent},
	} {
		if got := f.look(began.Add(time.Duration(look.second)*time.Second), look.reads, 0, &l); got != look.want {
			t.Errorf("after %d s %q, want %q", look.second, got, look.want)
		}
	}
}
