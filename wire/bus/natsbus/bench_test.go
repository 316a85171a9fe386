package natsbus_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"porthole/wire"
	"porthole/wire/bus"
	"porthole/wire/bus/natsbus"
)

// BenchmarkPublish is what events cost until the fleet has them, with the servers
// in the same process: with none, which is the floor, with one and with three. An
// event is a write of 64 bytes. What a member has no room for is dropped, so that
// one that publishes waits for what is under way.
//
//	go test -run - -bench Publish ./wire/bus/natsbus
func BenchmarkPublish(b *testing.B) {
	b.Run("alone", func(b *testing.B) { publish(b, new(bus.Memory).Join(bus.Member{}), false) })
	for _, n := range []int{1, 3} {
		b.Run(fmt.Sprint("servers-", n), func(b *testing.B) {
			m, err := natsbus.Join(b.Context(), natsbus.Options{URL: cluster(b, n), Self: bus.Member{Kind: "test"}})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close(context.Background())
			publish(b, m, true)
		})
	}
}

func publish(b *testing.B, m bus.Bus, acknowledged bool) {
	e := &wire.Event{Kind: wire.CallWrite, Side: wire.Client, Conn: 5, Local: "10.0.0.1:40000", Remote: "10.0.0.2:1234", To: 64, Data: make([]byte, 64)}
	const ahead = 4096
	reached := func(n uint64) {
		for acknowledged && m.Stats().Acknowledged < n {
			runtime.Gosched()
		}
	}
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		e.Start, e.Return = int64(n), int64(n)+1
		m.Publish(e)
		if n%ahead == 0 && n > ahead {
			reached(n - ahead)
		}
	}
	reached(uint64(b.N))
	if s := m.Stats(); s.Dropped > 0 {
		b.Errorf("%d events had no room", s.Dropped)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(len(wire.AppendEvent(nil, e))), "B/event")
}

// cluster starts so many servers, and returns their URLs.
func cluster(b *testing.B, n int) string {
	b.Helper()
	var routes, clients []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		routes = append(routes, "nats://"+l.Addr().String())
		_ = l.Close()
	}
	var all []*server.Server
	for i := range n {
		o := &server.Options{ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true}
		if n > 1 {
			u, err := url.Parse(routes[i])
			if err != nil {
				b.Fatal(err)
			}
			o.Cluster.Name, o.Cluster.Host = "bench", "127.0.0.1"
			if _, err := fmt.Sscan(u.Port(), &o.Cluster.Port); err != nil {
				b.Fatal(err)
			}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}
		s, err := server.NewServer(o)
		if err != nil {
			b.Fatal(err)
		}
		s.Start()
		b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		all = append(all, s)
	}
	for _, s := range all {
		if !s.ReadyForConnections(30 * time.Second) {
			b.Fatal("a server does not start")
		}
		clients = append(clients, s.ClientURL())
	}
	return strings.Join(clients, ",")
}
