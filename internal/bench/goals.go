//go:build linux

package main

// goal is a limit for a figure, or for its ratio to another of the same round.
type goal struct {
	of      key
	to      key // if zero, the figure itself
	atLeast bool
	limit   float64
}

// goals are what the gateway is to reach.
func goals() []goal {
	var all []goal
	ratio := func(phase, metric string, limit float64, peer, to string) {
		all = append(all, goal{of: key{phase, peer, metric}, to: key{phase, to, metric}, limit: limit})
	}
	value := func(phase, metric string, limit float64, peer string) {
		all = append(all, goal{of: key{phase, peer, metric}, limit: limit})
	}
	ratio("echo64", "echo CPU", 1.15, "raw", "haproxy")
	ratio("echo1k", "echo CPU", 1.15, "raw", "haproxy")
	ratio("echo64x16", "echo CPU", 1.2, "raw", "haproxy")
	ratio("down", "down CPU", 0.90, "raw", "haproxy")
	ratio("up", "up CPU", 0.90, "raw", "haproxy")
	ratio("setup", "set-up CPU", 0.9, "raw", "nhooyr")
	for _, metric := range []string{"idle fresh", "idle used"} {
		value("idle", metric, 12, "raw")
		value("idle", metric, 20, "v1")
	}
	for _, peer := range []string{"raw", "v1"} {
		value("stall-down", "stall growth", 1, peer)
		value("stall-up", "stall growth", 1, peer)
	}
	ratio("rtt", "round trip p50", 1.1, "raw", "haproxy")
	for _, phase := range []struct{ name, metric string }{
		{"echo64", "echo CPU"}, {"echo1k", "echo CPU"}, {"echo64x16", "echo CPU"}, {"echo1kx16", "echo CPU"},
		{"down", "down CPU"}, {"up", "up CPU"},
	} {
		ratio(phase.name, phase.metric, 1.15, "v1", "raw")
		ratio(phase.name, phase.metric, 1.5, "v1+events", "raw")
	}
	for _, peer := range []string{"raw", "v1"} {
		all = append(all, goal{of: key{"curve-1000", peer, "echo CPU"}, to: key{"curve-10", peer, "echo CPU"}, limit: 1.2})
	}
	return append(all, goal{of: key{"stalled", "v1", "rate left"}, atLeast: true, limit: 0.90})
}

// judge is the figure of a goal and whether it is met; ok is false if it was
// not measured.
func (g goal) judge(r *results) (f figure, met, ok bool) {
	if g.to == (key{}) {
		f, ok = r.figure(g.of)
	} else {
		f, ok = r.ratio(g.of, g.to)
	}
	if g.atLeast {
		return f, f.median >= g.limit, ok
	}
	return f, f.median <= g.limit, ok
}
