//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next signal does what it does by default
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run of the command.
type bench struct {
	options
	dir     string // of what is built, gone at the end
	stderr  io.Writer
	pattern *pattern
	results results
}

type options struct {
	rounds  int
	window  time.Duration
	phases  string
	peers   string
	json    string
	profile string
	many    bool
	targets bool
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rounds, "rounds", 3, "how often each peer has its turn")
	f.DurationVar(&o.window, "window", time.Second, "how long a measurement takes; half of it, or a second, goes before it to warm up")
	f.StringVar(&o.phases, "phases", "", "what to measure, as echo64,curve; if empty, all")
	f.StringVar(&o.peers, "peers", "", "whom to measure, as haproxy,raw; if empty, all")
	f.StringVar(&o.json, "json", "", "a `file` for all figures of all rounds")
	f.StringVar(&o.profile, "profile", "", "a `folder` for perf's reports on the gateway; the top of each is shown")
	f.BoolVar(&o.targets, "targets", true, "also tell which goals are met")
	f.BoolVar(&o.many, "many", true, "also with 5,000 connections, if there may be so many files")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.rounds < 1 || o.window <= 0 {
		return o, fmt.Errorf("cannot do %d rounds of %v with arguments %q", o.rounds, o.window, f.Args())
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if len(args) > 0 && args[0] == "soak" {
		return runSoak(ctx, args[1:], stdout, stderr)
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	b := &bench{options: o, stderr: stderr, pattern: newPattern()}
	b.results.failed = map[[2]string]bool{}
	if _, err := exec.LookPath("perf"); err != nil && b.profile != "" {
		return fmt.Errorf("no profiles without perf (Debian's linux-perf): the gateway has no endpoint for them: %w", err)
	}
	files, err := raiseFiles()
	if err != nil {
		return err
	}
	if b.many && files < 11000 {
		b.many = false
		fmt.Fprintf(stderr, "no 5,000 connections: only %d open files are allowed\n", files)
	}
	some, err := selected(phases(b.many), o.phases)
	if err != nil {
		return err
	}
	whom, err := b.whom()
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := build(ctx, b.dir, ours...); err != nil {
		return err
	}
	facts := machineFacts(b.options)
	failed := b.measure(ctx, some, whom)
	b.results.tables(stdout) // of what there is, if it was interrupted
	if b.targets {
		b.results.goals(stdout)
	}
	if b.json != "" {
		failed = append(failed, writeJSON(b.json, facts, b.results.samples))
	}
	return errors.Join(append(failed, ctx.Err())...)
}

// measure does all rounds, and goes on when a measurement fails.
func (b *bench) measure(ctx context.Context, some []phase, whom []peer) (failed []error) {
	for _, phase := range some {
		for round := range b.rounds {
			for _, peer := range whom {
				if !phase.has(peer.name) || ctx.Err() != nil {
					continue
				}
				start := time.Now()
				samples, err := b.trial(ctx, phase, peer, round+1)
				if err != nil && ctx.Err() != nil {
					return append(failed, err) // it was cut short, which is no failure of the peer's
				}
				if err != nil {
					err = fmt.Errorf("%s, %s, round %d: %w", phase.name, peer.name, round+1, err)
					failed = append(failed, err)
					b.results.failed[[2]string{phase.name, peer.name}] = true
					fmt.Fprintln(b.stderr, "FAILED", err)
				}
				for _, s := range samples {
					s.Phase, s.Round = phase.name, round+1
					b.results.samples = append(b.results.samples, s)
				}
				fmt.Fprintf(b.stderr, "%s %s %d/%d: %s in %v\n", phase.name, peer.name, round+1, b.rounds,
					brief(samples), time.Since(start).Round(10*time.Millisecond))
			}
		}
	}
	return failed
}

// trial is one measurement. It has figures only if nothing failed.
func (b *bench) trial(ctx context.Context, ph phase, p peer, round int) ([]sample, error) {
	t := &trial{ctx: ctx, peer: p, dir: b.dir, pattern: b.pattern, window: b.window, step: settleStep}
	if b.profile != "" && p.ours {
		t.profile = profiler(ctx, filepath.Join(b.profile, fmt.Sprintf("%s-%s-%d", ph.name, p.name, round)), b.stderr)
	}
	uncut := context.AfterFunc(ctx, t.cut)
	defer uncut()
	err := ph.run(t)
	if err = errors.Join(err, t.end()); err != nil {
		return nil, err
	}
	return t.samples, nil
}

// whom are the peers to measure: those that are asked for and are here.
func (b *bench) whom() ([]peer, error) {
	var some []peer
	names := strings.Split(b.peers, ",")
	for _, p := range peers() {
		if b.peers != "" && !slices.Contains(names, p.name) {
			continue
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == p.name })
		if why := absent(p); why != "" {
			fmt.Fprintf(b.stderr, "no %s: %s\n", p.name, why)
			continue
		}
		some = append(some, p)
	}
	if b.peers != "" && len(names) > 0 {
		return nil, fmt.Errorf("no peer %q", names)
	}
	return some, nil
}

func brief(samples []sample) string {
	var parts []string
	for _, s := range samples {
		parts = append(parts, fmt.Sprintf("%s %s %s", s.Metric, number(s.Value), s.Unit))
	}
	return strings.Join(parts, ", ")
}

// raiseFiles allows as many open files as we may have, for us and the peers
// alike: it is inherited.
func raiseFiles() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	return limit.Cur, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
