//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

// phase is one thing to measure, of the peers that can do it.
type phase struct {
	name  string
	peers []string // if nil, all
	run   func(*trial) error
}

// phases are all there are, in the order of the tables. A group's name, as
// curve, is what its phases' names start with, up to a dash.
func phases(many bool) []phase {
	all := []phase{
		{"echo64", nil, echoPhase(64, 1, 64, 1)},
		{"echo64x16", nil, echoPhase(64, 1, 64, 16)},
		{"echo1k", nil, echoPhase(64, 1, 1<<10, 1)},
		{"echo1kx16", nil, echoPhase(64, 1, 1<<10, 16)},
		{"down", nil, down},
		{"up", nil, up},
		{"setup", nil, setup},
		{"rtt", nil, rtt},
	}
	// A process or more for each connection is not what these are about.
	most := []string{"haproxy", "raw", "v1", "raw+events", "v1+events", "nhooyr"}
	all = append(all, phase{"idle", most, idle(1000)})
	if many {
		all = append(all, phase{"idle-5000", most, idle(5000)})
	}
	all = append(all, phase{"stall-down", most, stallDown}, phase{"stall-up", most, stallUp})
	for _, conns := range []int{1, 10, 100, 1000, 5000} {
		if conns <= 1000 || many {
			all = append(all, phase{fmt.Sprintf("curve-%d", conns), []string{"haproxy", "raw", "v1"}, echoPhase(conns, 1, small, 1)})
		}
	}
	// The answers to what came in one read are sent in one write, so with more
	// streams a message costs less.
	for _, streams := range []int{1, 10, 100} {
		all = append(all, phase{fmt.Sprintf("streams-%d", streams), []string{"v1"}, echoPhase(1, streams, small, 1)})
	}
	return append(all, phase{"stalled", []string{"v1", "v1+events"}, stalled})
}

// selected are the phases of a list with commas, in their own order.
func selected(all []phase, list string) ([]phase, error) {
	var some []phase
	names := strings.Split(list, ",")
	for _, name := range names {
		if list != "" && !slices.ContainsFunc(all, func(p phase) bool { return p.is(name) }) {
			return nil, fmt.Errorf("no phase %q", name)
		}
	}
	for _, p := range all {
		if list == "" || slices.ContainsFunc(names, p.is) {
			some = append(some, p)
		}
	}
	return some, nil
}

func (p phase) is(name string) bool {
	group, _, _ := strings.Cut(p.name, "-")
	return p.name == name || group == name
}

// has tells whether a peer takes part.
func (p phase) has(peer string) bool { return p.peers == nil || slices.Contains(p.peers, peer) }
