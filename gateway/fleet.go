package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"porthole/wire/bus"
	"porthole/wire/bus/natsbus"
)

// busWait is how long the bus may take to be reached at start.
const busWait = 20 * time.Second

// join makes the gateway, which listens on l, a member of its fleet: of itself
// alone, unless there is a --bus.
func (g *gateway) join(ctx context.Context, l net.Listener) error {
	self := bus.Member{Kind: "gateway", Name: l.Addr().String()}
	if g.Bus == "" {
		g.fleet = new(bus.Memory).Join(self)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, busWait)
	defer cancel()
	b, err := natsbus.Join(ctx, natsbus.Options{
		URL: g.Bus, Credentials: g.BusCreds, Self: self, Logger: g.logger,
		History: g.History, Age: g.BusAge, Bytes: g.BusBytes,
	})
	if err != nil {
		return fmt.Errorf("--bus: %w", err)
	}
	g.fleet = b
	g.logger.Info("the bus is reached", "members", len(b.Members()))
	return nil
}

// watchFleet brings in what the other members see, until the context ends.
func (g *gateway) watchFleet(ctx context.Context) {
	if g.Events {
		err := g.fleet.Watch(ctx, bus.Watcher{Event: g.bridge.Import, Lost: g.bridge.ObserveLost})
		if ctx.Err() == nil && !errors.Is(err, bus.ErrLeft) {
			g.logger.Warn("the events of the others are not seen any more", "error", err)
		}
	}
}

// leaveFleet says goodbye, once what happened is told.
func (g *gateway) leaveFleet(ctx context.Context) {
	err := g.fleet.Close(ctx)
	if s := g.fleet.Stats(); err != nil || s.Dropped > 0 {
		g.logger.Warn("the bus does not have all events", "published", s.Published, "acknowledged", s.Acknowledged, "dropped", s.Dropped)
	}
}

// fleetMetrics reads a bus's Stats when it is asked.
type fleetMetrics struct{ bus.Bus }

var (
	membersDesc = desc("bus_members", "Members of the fleet, this one included, by kind.", "kind")
	busDesc     = desc("bus_events_total", "Events on the bus: published by this member, acknowledged, dropped for want of room; watched of the others, missed of theirs.", "what")
)

func (fleetMetrics) Describe(all chan<- *prometheus.Desc) {
	all <- membersDesc
	all <- busDesc
}

func (f fleetMetrics) Collect(all chan<- prometheus.Metric) {
	kinds := map[string]int{}
	for _, m := range f.Members() {
		kinds[m.Kind]++
	}
	for kind, n := range kinds {
		all <- prometheus.MustNewConstMetric(membersDesc, prometheus.GaugeValue, float64(n), kind)
	}
	s := f.Stats()
	for what, n := range map[string]uint64{
		"published": s.Published, "acknowledged": s.Acknowledged, "dropped": s.Dropped, "watched": s.Watched, "missed": s.Missed,
	} {
		all <- prometheus.MustNewConstMetric(busDesc, prometheus.CounterValue, float64(n), what)
	}
}
