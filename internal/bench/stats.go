//go:build linux

package main

import (
	"slices"
)

// key names the figures that are compared: those of one round after another.
type key struct{ phase, peer, metric string }

// results are the figures of all rounds.
type results struct {
	samples []sample
	failed  map[[2]string]bool // phase and peer
}

// rounds are the figures of a key, by round.
func (r *results) rounds(k key) map[int]float64 {
	found := map[int]float64{}
	for _, s := range r.samples {
		if s.Phase == k.phase && s.Peer == k.peer && s.Metric == k.metric {
			found[s.Round] = s.Value
		}
	}
	return found
}

// figure is what is shown of some rounds.
type figure struct{ median, least, most float64 }

func figureOf(values []float64) figure {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return figure{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// figure is that of a key, if there is one.
func (r *results) figure(k key) (figure, bool) {
	var values []float64
	for _, v := range r.rounds(k) {
		values = append(values, v)
	}
	if len(values) == 0 {
		return figure{}, false
	}
	return figureOf(values), true
}

// ratio is that of two keys within each round that has both.
func (r *results) ratio(of, to key) (figure, bool) {
	base := r.rounds(to)
	var values []float64
	for round, v := range r.rounds(of) {
		if b := base[round]; b > 0 {
			values = append(values, v/b)
		}
	}
	if len(values) == 0 {
		return figure{}, false
	}
	return figureOf(values), true
}
