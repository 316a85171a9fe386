//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// floor is the peer that others are compared with.
const floor = "haproxy"

// tables writes all figures but rates in one table, then the rates, then the
// ratios to others than the floor.
func (r *results) tables(w io.Writer) {
	for _, t := range []struct {
		title string
		rates bool
	}{{"What it costs", false}, {"Rates", true}} {
		r.table(w, t.title, func(metric string) bool { return isRate(metric) == t.rates })
	}
	r.ratios(w)
}

// isRate tells of what is better when it is more, and says less than costs do.
func isRate(metric string) bool {
	return strings.HasPrefix(metric, "rate ") || strings.HasSuffix(metric, " rate")
}

// peersOf are the peers that have figures or failed, in their order.
func peersOf(r *results) []string {
	var names []string
	for _, p := range peers() {
		some := slices.ContainsFunc(r.samples, func(s sample) bool { return s.Peer == p.name })
		for failed := range r.failed {
			some = some || failed[1] == p.name
		}
		if some {
			names = append(names, p.name)
		}
	}
	return names
}

func (r *results) table(w io.Writer, title string, has func(metric string) bool) {
	peers := peersOf(r)
	var lines []key // without a peer
	units := map[string]string{}
	for _, s := range r.samples {
		if line := (key{phase: s.Phase, metric: s.Metric}); has(s.Metric) && !slices.Contains(lines, line) {
			lines = append(lines, line)
			units[s.Metric] = s.Unit
		}
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n**%s**: median (min–max) × %s\n\n", title, floor)
	row(w, append([]string{"phase", "figure"}, peers...)...)
	row(w, slices.Repeat([]string{"---"}, 2+len(peers))...)
	for _, line := range lines {
		cells := []string{line.phase, line.metric + ", " + units[line.metric]}
		for _, peer := range peers {
			cells = append(cells, r.cell(line.phase, peer, line.metric))
		}
		row(w, cells...)
	}
}

// compared tells whether a ratio of it means anything: not of what is near zero,
// or is a ratio already.
func compared(metric string) bool { return metric != "stall growth" && metric != "rate left" }

// cell is a figure and its ratio to the floor's.
func (r *results) cell(phase, peer, metric string) string {
	f, ok := r.figure(key{phase, peer, metric})
	switch {
	case r.failed[[2]string{phase, peer}]:
		return "fails"
	case !ok:
		return "–"
	}
	text := fmt.Sprintf("%s (%s–%s)", number(f.median), number(f.least), number(f.most))
	if ratio, ok := r.ratio(key{phase, peer, metric}, key{phase, floor, metric}); ok && peer != floor && compared(metric) {
		text += fmt.Sprintf(" ×%.2f", ratio.median)
	}
	return text
}

// comparisons are the ratios to others than the floor, of what is not a rate:
// that says less, and the tables have it.
func (r *results) comparisons() (all [][2]key) {
	var seen []key
	for _, s := range r.samples {
		k := key{s.Phase, s.Peer, s.Metric}
		if slices.Contains(seen, k) || !compared(s.Metric) || isRate(s.Metric) {
			continue
		}
		seen = append(seen, k)
		add := func(phase, peer string) {
			if to := (key{phase, peer, k.metric}); to != k {
				all = append(all, [2]key{k, to})
			}
		}
		group, _, _ := strings.Cut(k.phase, "-")
		switch {
		case k.phase == "setup":
			add(k.phase, "nhooyr")
		case (group == "curve" || group == "streams") && k.metric == "echo CPU":
			add(group+"-10", k.peer)
		}
		switch k.peer {
		case "v1", "raw+events", "v1+events":
			add(k.phase, "raw")
		}
	}
	return all
}

func (r *results) ratios(w io.Writer) {
	fmt.Fprint(w, "\n**Ratios** within a round: median (min–max)\n\n")
	row(w, "figure", "of", "to", "ratio")
	row(w, "---", "---", "---", "---")
	for _, pair := range r.comparisons() {
		f, ok := r.ratio(pair[0], pair[1])
		if !ok {
			continue
		}
		of, to := pair[0].peer, pair[1].peer
		if of == to {
			to = pair[1].phase
		}
		row(w, pair[0].phase+" "+pair[0].metric, of, to, fmt.Sprintf("%.2f (%.2f–%.2f)", f.median, f.least, f.most))
	}
}

func (r *results) goals(w io.Writer) {
	fmt.Fprint(w, "\n**Goals**\n\n")
	row(w, "goal", "limit", "is", "")
	row(w, "---", "---", "---", "---")
	for _, g := range goals() {
		f, met, ok := g.judge(r)
		if !ok {
			continue
		}
		name := g.of.phase + " " + g.of.metric + ", " + g.of.peer
		switch {
		case g.to.phase != "" && g.to.phase != g.of.phase:
			name += " / " + g.to.phase
		case g.to.peer != "":
			name += " / " + g.to.peer
		}
		limit := "≤ "
		if g.atLeast {
			limit = "≥ "
		}
		verdict := "**not met**"
		if met {
			verdict = "met"
		}
		row(w, name, limit+number(g.limit), fmt.Sprintf("%s (%s–%s)", number(f.median), number(f.least), number(f.most)), verdict)
	}
}

func row(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// number shows three digits, or a whole number.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
