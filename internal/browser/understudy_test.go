package browser_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// understudy is a testing.TB that notes a failure and does not fail t.
type understudy struct {
	testing.TB
	said     strings.Builder
	cleanups []func()
}

// standIn runs a test and its clean-ups, and returns what it said.
func standIn(t *testing.T, run func(testing.TB)) string {
	u := &understudy{TB: t}
	in := func(f func()) { // a goroutine of its own, which Fatal may end
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	in(func() { run(u) })
	for _, f := range slices.Backward(u.cleanups) {
		in(f)
	}
	return u.said.String()
}

func (u *understudy) Cleanup(f func()) { u.cleanups = append(u.cleanups, f) }

func (u *understudy) Errorf(format string, args ...any) {
	fmt.Fprintf(&u.said, "failed: "+format+"\n", args...)
}

func (u *understudy) Fatalf(format string, args ...any) {
	u.Errorf(format, args...)
	u.FailNow()
}

func (u *understudy) Fatal(args ...any) { u.Fatalf("%s", fmt.Sprint(args...)) }

func (u *understudy) Skip(args ...any) {
	fmt.Fprintf(&u.said, "skipped: %s\n", fmt.Sprint(args...))
	u.FailNow()
}

// FailNow ends the goroutine, as that of a real test does.
func (u *understudy) FailNow() { runtime.Goexit() }
