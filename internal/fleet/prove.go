package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

const acknowledged = `porthole_bus_events_total{what="acknowledged"}`

// prove lets the fleet work, kills a server of the bus and a gateway, and wants
// that nothing is lost which was acknowledged, and that no one is touched who was
// not at what was killed.
func prove(ctx context.Context, f *fleet, o options, out io.Writer) error {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	if err := poll(ctx, "all know each other", func() bool {
		for i := range f.gateways {
			if f.metric(i, `porthole_bus_members{kind="gateway"}`) != 3 || f.metric(i, `porthole_bus_members{kind="tcpserver"}`) != 2 {
				return false
			}
		}
		return true
	}); err != nil {
		return err
	}
	book, err := f.book(ctx)
	if err != nil {
		return err
	}
	defer book.close()
	var watchers []*watcher
	for i := range f.gateways {
		w, err := f.watch(ctx, i)
		if err != nil {
			return err
		}
		defer w.stop()
		watchers = append(watchers, w)
	}
	l := f.load(ctx, o.clients)
	defer l.end()
	working := func(what string, of ...int) error { return f.working(ctx, o.work, what, l, watchers, of) }
	if err := working("at first", 0, 1, 2); err != nil {
		return err
	}
	say("%d clients have had %d answers", o.clients, l.greeted.Load())

	// A user has no more sessions than he may have, wherever he asks.
	held, err := f.greed(ctx)
	if err != nil {
		return err
	}
	say("a user has %d sessions on three gateways, and no more", held)

	listening, err := f.listen(ctx, 6)
	if err != nil {
		return err
	}
	defer listening.close()
	if err := listening.greet(); err != nil {
		return err
	}

	// A server of the bus dies.
	f.nats[0].signal(syscall.SIGKILL)
	if err := working("without a server of the bus", 0, 1, 2); err != nil {
		return err
	}
	if b := l.breaks(); b != [3]int{} {
		return fmt.Errorf("WebSockets were broken when a server of the bus was killed: %v", b)
	}
	say("a server of the bus was killed: no WebSocket was touched, events go on")

	// A gateway dies.
	had, listened := f.metric(0, acknowledged), f.metric(0, "porthole_streams")
	if listened == 0 {
		return errors.New("no page listens by way of the gateway that is to be killed")
	}
	f.gateways[0].signal(syscall.SIGKILL)
	if err := working("without a gateway", 1, 2); err != nil {
		return err
	}
	if err := poll(ctx, "the gateway is missed", func() bool { return f.metric(1, `porthole_bus_members{kind="gateway"}`) == 2 }); err != nil {
		return err
	}
	b := l.breaks()
	if b[0] == 0 || b[1] != 0 || b[2] != 0 {
		return fmt.Errorf("a gateway was killed, and of each were broken %v WebSockets", b)
	}
	say("a gateway was killed: its %d WebSockets came back elsewhere, no other was touched", b[0])
	if err := poll(ctx, "all pages listen again", func() bool { return listening.greet() == nil }); err != nil {
		return err
	}
	say("its %v listeners are listened on again, at the same ports", listened)

	// All leave in order; then the book must have what they were told it has.
	if err := l.end(); err != nil {
		return err
	}
	want := map[string]float64{f.gateways[0].addr: had}
	for _, i := range []int{1, 2} {
		want[f.gateways[i].addr] = f.metric(i, acknowledged)
		if dropped := f.metric(i, `porthole_bus_events_total{what="dropped"}`); dropped != 0 {
			return fmt.Errorf("gateway %d dropped %v events", i, dropped)
		}
	}
	for _, i := range []int{1, 2} {
		if err := watchers[i].end(); err != nil {
			return fmt.Errorf("the events that gateway %d tells: %w", i, err)
		}
		say("at gateway %d %d events of the fleet were seen, each connection's in order, and %d lost to a slow reader", i, watchers[i].seen.Load(), watchers[i].lost.Load())
	}
	for _, p := range slices.Concat(f.gateways[1:], f.servers) {
		p.signal(syscall.SIGTERM)
		if p.err != nil {
			return fmt.Errorf("%s: %w\n%s", p.name, p.err, &p.log)
		}
	}
	for i, p := range f.servers {
		n, err := told(&p.log)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		want[f.targets[i]] = n
	}
	return book.check(ctx, want, say)
}

// working waits for as long as it says, and then until clients have answers and
// the gateways that are there acknowledge and watch events.
func (f *fleet) working(ctx context.Context, long time.Duration, what string, l *load, watchers []*watcher, of []int) error {
	select {
	case <-time.After(long):
	case <-ctx.Done():
		return ctx.Err()
	}
	greeted := l.greeted.Load()
	var acked, seen [3]float64
	for _, i := range of {
		acked[i], seen[i] = f.metric(i, acknowledged), float64(watchers[i].seen.Load())
	}
	return poll(ctx, "all work "+what, func() bool {
		for _, i := range of {
			if f.metric(i, acknowledged) <= acked[i] || float64(watchers[i].seen.Load()) <= seen[i] {
				return false
			}
		}
		return l.greeted.Load() > greeted+100
	})
}

// greed opens as many sessions of a user as there may be, at all gateways in turn,
// and tells how many he got. What one gateway knows of the others is a moment old:
// only once that has passed it is to know.
func (f *fleet) greed(ctx context.Context) (held int, err error) {
	var all []*websocket.Conn
	defer func() {
		for _, ws := range all {
			_ = ws.CloseNow()
		}
	}()
	for full, late := 0, 0; full < 3; {
		g := f.gateways[(held+full)%3]
		ws, _, err := visit(ctx, g.addr, greedyKey, f.targets[0])
		switch {
		case err == nil:
			all = append(all, ws)
			held++
			full = 0
			if held > maxUser {
				late++
			}
			if late > 3*len(f.gateways) { // so many in the moment that it takes
				return held, fmt.Errorf("a user has %d sessions, and may have %d", held, maxUser)
			}
			if held >= maxUser-3 { // give the counts their time
				if err := pause(ctx, time.Second); err != nil {
					return held, err
				}
			}
		case errors.Is(err, errFull):
			full++
		default:
			return held, err
		}
	}
	if held > maxUser {
		return held, fmt.Errorf("a user has %d sessions, and may have %d", held, maxUser)
	}
	return held, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// told is how many events a tcpserver says at its end that the bus has.
func told(log *lines) (n float64, err error) {
	_, rest, ok := strings.Cut(log.String(), `"msg":"bus","published":`)
	var published, had, dropped float64
	if ok {
		_, err = fmt.Sscanf(rest, `%f,"acknowledged":%f,"dropped":%f`, &published, &had, &dropped)
	}
	switch {
	case !ok || err != nil:
		return 0, fmt.Errorf("it does not say what the bus has: %w\n%s", err, log)
	case had != published || dropped != 0:
		return 0, fmt.Errorf("of %v events %v were acknowledged, and %v dropped", published, had, dropped)
	}
	return had, nil
}
