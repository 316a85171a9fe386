//go:build linux

package main

import (
	"strings"
	"testing"
)

func sampleOf(phase, peer, metric string, values ...float64) (all []sample) {
	for i, v := range values {
		all = append(all, sample{Phase: phase, Peer: peer, Metric: metric, Unit: "µs", Round: i + 1, Value: v})
	}
	return all
}

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   figure
	}{
		{"one", []float64{3}, figure{3, 3, 3}},
		{"odd", []float64{9, 1, 3}, figure{3, 1, 9}},
		{"even", []float64{4, 1, 2, 8}, figure{3, 1, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := figureOf(c.values); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A ratio is of figures of one round, so a slow round counts for both.
func TestRatioIsWithinRounds(t *testing.T) {
	r := &results{}
	r.samples = append(r.samples, sampleOf("echo64", "haproxy", "echo CPU", 10, 100, 20)...)
	r.samples = append(r.samples, sampleOf("echo64", "raw", "echo CPU", 11, 130, 24, 999)...) // no fourth of haproxy
	got, ok := r.ratio(key{"echo64", "raw", "echo CPU"}, key{"echo64", "haproxy", "echo CPU"})
	if want := (figure{1.2, 1.1, 1.3}); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
	if _, ok := r.ratio(key{"echo64", "raw", "echo CPU"}, key{"echo64", "nhooyr", "echo CPU"}); ok {
		t.Error("there is a ratio to a peer that was not measured")
	}
}

func TestTables(t *testing.T) {
	r := &results{failed: map[[2]string]bool{{"echo64", "nhooyr"}: true}}
	r.samples = append(r.samples, sampleOf("echo64", "haproxy", "echo CPU", 10, 12, 11)...)
	r.samples = append(r.samples, sampleOf("echo64", "raw", "echo CPU", 11, 12, 12.1)...)
	r.samples = append(r.samples, sampleOf("echo64", "v1", "echo CPU", 22, 24, 24.2)...)
	var out strings.Builder
	r.tables(&out)
	r.goals(&out)
	for _, want := range []string{
		"| phase | figure | haproxy | raw | v1 | nhooyr |\n",
		"| echo64 | echo CPU, µs | 11.0 (10.0–12.0) | 12.0 (11.0–12.1) ×1.10 | 24.0 (22.0–24.2) ×2.20 | fails |\n",
		"| echo64 echo CPU | v1 | raw | 2.00 (2.00–2.00) |\n",
		"| echo64 echo CPU, raw / haproxy | ≤ 1.15 | 1.10 (1.00–1.10) | met |\n",
		"| echo64 echo CPU, v1 / raw | ≤ 1.15 | 2.00 (2.00–2.00) | **not met** |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s\nwant %s", &out, want)
		}
	}
}

// A goal for what no phase measures would never be judged.
func TestGoalsAreMeasured(t *testing.T) {
	for _, g := range goals() {
		for _, k := range []key{g.of, g.to} {
			if k == (key{}) {
				continue
			}
			measured := false
			for _, p := range phases(false) {
				measured = measured || p.name == k.phase && p.has(k.peer)
			}
			if !measured {
				t.Errorf("no phase measures %v", k)
			}
		}
	}
}

func TestSelected(t *testing.T) {
	for _, c := range []struct {
		list string
		want string
	}{
		{"echo64", "echo64"},
		{"up,down", "down up"},
		{"stall", "stall-down stall-up"},
		{"streams-10", "streams-10"},
	} {
		some, err := selected(phases(false), c.list)
		var names []string
		for _, p := range some {
			names = append(names, p.name)
		}
		if got := strings.Join(names, " "); got != c.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", c.list, got, err, c.want)
		}
	}
	if _, err := selected(phases(false), "echo64,none"); err == nil {
		t.Error("a phase that there is not was selected")
	}
}
