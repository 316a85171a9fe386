//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// soak is a stay of many sessions, most of which do nothing, in a gateway that is
// a process of its own, as the greeter behind it is. The first error ends it.
type soak struct {
	soakOptions
	*trial
	greeter *process
	guests  []*guest // the first of them work
	looks   []look
	told    [][2]string // figures and their names
}

type soakOptions struct {
	idle, busy, slow int
	lasts            time.Duration
	bin              string
	flags            []string // of the gateway
}

func parseSoak(args []string, stderr io.Writer) (o soakOptions, err error) {
	f := flag.NewFlagSet("bench soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.idle, "idle", 10000, "how many sessions do nothing")
	f.IntVar(&o.busy, "busy", 100, "how many greet without a pause")
	f.IntVar(&o.slow, "slow", 20, "how many send and never read, in the end")
	f.DurationVar(&o.lasts, "time", time.Minute, "how long the busy ones work")
	f.StringVar(&o.bin, "bin", "", "the `folder` of a gateway and a tcpserver; if empty, they are built")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.flags = f.Args()
	if min(o.idle, o.busy, o.slow) < 0 || o.lasts <= 0 {
		return o, errors.New("there cannot be less than nothing")
	}
	return o, nil
}

// runSoak does a soak: "bench soak [options] [-- options of the gateway]".
func runSoak(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseSoak(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := raiseFiles()
	if err != nil {
		return err
	}
	// The gateway takes two for each session, and keeps some for itself.
	if most := int(min(files, 1<<30)-200) / 2; o.idle+o.busy > most {
		o.idle = max(0, most-o.busy)
		fmt.Fprintf(stderr, "ONLY %d IDLE SESSIONS: this machine allows a process %d open files, and the gateway needs two for each\n", o.idle, files)
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.bin == "" {
		o.bin = dir
		if err := build(ctx, dir, "porthole/gateway", "porthole/tcpserver"); err != nil {
			return err
		}
	}
	s := &soak{soakOptions: o, trial: &trial{ctx: ctx, pattern: newPattern(), window: o.lasts, step: min(settleStep, o.lasts/60)}}
	uncut := context.AfterFunc(ctx, s.cut)
	defer uncut()
	err = s.run()
	err = errors.Join(err, s.end(), ctx.Err())
	s.report(stdout, err)
	return err
}

func (s *soak) run() (err error) {
	if s.greeter, err = start(s.ctx, "", false, filepath.Join(s.bin, "tcpserver"), "--listen", "127.0.0.1:0", "--events", ""); err != nil {
		return err
	}
	defer s.greeter.stop()
	argv := append([]string{filepath.Join(s.bin, "gateway"), "--listen", "127.0.0.1:0", "--target", s.greeter.addr}, s.flags...)
	if s.process, err = start(s.ctx, "", false, argv...); err != nil {
		return err
	}
	if err := s.glance("started"); err != nil {
		return err
	}
	s.guests = make([]*guest, s.busy+s.idle)
	if err := s.each("the first", 0, min(before, len(s.guests)), func(i int) error {
		g, err := s.admit(i)
		if err != nil {
			return err
		}
		return g.link.close()
	}); err != nil {
		return err
	}
	if err := s.none("none"); err != nil {
		return err
	}
	s.looks = s.looks[1:] // what it was busy with as it started is over
	for _, part := range []func() error{s.visit, s.gluts, s.goodbye} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// come opens all sessions.
func (s *soak) come() error {
	return s.each("session", 0, len(s.guests), func(i int) (err error) {
		s.guests[i], err = s.admit(i)
		return err
	})
}

// stay lets all sessions be, the busy ones at work, until they are to stop or the
// gateway leaves.
func (s *soak) stay(stop, leaving *atomic.Bool) *crew {
	c := s.crew()
	for i, g := range s.guests {
		c.do("session "+strconv.Itoa(i), func() error { return g.stay(i < s.busy, stop, leaving) })
	}
	return c
}

// visit is a stay that the sessions end.
func (s *soak) visit() error {
	if err := s.come(); err != nil {
		return err
	}
	if err := s.look("all, idle"); err != nil {
		return err
	}
	var stop, leaving atomic.Bool
	start := time.Now()
	crew := s.stay(&stop, &leaving)
	select {
	case <-time.After(s.window):
	case <-crew.failed:
	case <-s.ctx.Done():
	}
	all := len(s.guests)
	if err := s.glance("all, some busy"); err != nil {
		return err
	}
	stop.Store(true)
	for _, g := range s.guests[s.busy:] {
		_ = g.link.readDeadline(time.Now()) // that it is lost shows when it is asked for more
	}
	if err := crew.wait(); err != nil {
		return err
	}
	s.latencies(time.Since(start))
	deadline := time.Now().Add(s.limit())
	if err := s.each("last of session", 0, all, func(i int) error { return s.guests[i].leave(deadline) }); err != nil {
		return err
	}
	return s.none("all gone")
}

func (s *soak) latencies(window time.Duration) {
	var took []time.Duration
	for _, g := range s.guests[:s.busy] {
		took = append(took, g.took...)
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	s.tell("messages there and back", "%d, %.0f/s", len(took), float64(len(took))/window.Seconds())
	for _, part := range []struct {
		name string
		i    int
	}{{"p50", len(took) / 2}, {"p99", len(took) * 99 / 100}, {"most", len(took) - 1}} {
		s.tell("latency "+part.name, "%.2f ms", float64(took[part.i])/float64(time.Millisecond))
	}
}

// gluts are sessions that send and never read.
func (s *soak) gluts() error {
	stuck := make([]*guest, s.slow)
	if err := s.each("slow session", 0, s.slow, func(i int) (err error) {
		if stuck[i], err = s.admit(2 * i); err != nil {
			return err
		}
		return stuck[i].glut()
	}); err != nil {
		return err
	}
	if err := s.look("slow ones"); err != nil {
		return err
	}
	for _, g := range stuck {
		_ = g.link.(*raw).c.Close() // they have no manners
	}
	return s.none("these gone")
}

// goodbye is a stay that the gateway ends.
func (s *soak) goodbye() error {
	if err := s.come(); err != nil {
		return err
	}
	if err := s.glance("all again"); err != nil {
		return err
	}
	var stop, leaving atomic.Bool
	crew := s.stay(&stop, &leaving)
	leaving.Store(true)
	start := time.Now()
	if err := s.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.AfterFunc(6*patience, s.process.kill)
	defer late.Stop()
	if err := crew.wait(); err != nil {
		return err
	}
	told := time.Since(start)
	if err := s.process.cmd.Wait(); err != nil {
		return fmt.Errorf("the gateway: %w\n%s", err, s.process.tail.String())
	}
	s.tell("SIGTERM: each session had its 1001 and its end within", "%.2f s", told.Seconds())
	s.tell("SIGTERM: the gateway was gone within", "%.2f s", time.Since(start).Seconds())
	return s.await("the greeter", s.greeter, s.looks[0].greeter)
}

func (s *soak) tell(name, format string, args ...any) {
	s.told = append(s.told, [2]string{name, fmt.Sprintf(format, args...)})
}
