package natsbus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"porthole/internal/bustest"
	"porthole/wire"
	"porthole/wire/bus"
	"porthole/wire/bus/natsbus"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server starts these for its process, and never ends them.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*ipQueue[...]).push"),
	)
}

// nats starts a server, and returns its URL.
func nats(t *testing.T, dir string) string {
	url, _ := bustest.NATS(t, dir, -1)
	return url
}

// join is natsbus.Join, with short times.
func join(t *testing.T, o natsbus.Options) *natsbus.Bus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if o.Lapse == 0 {
		o.Lapse = 2 * time.Second
	}
	o.Self.Kind = "test"
	b, err := natsbus.Join(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func TestNATS(t *testing.T) {
	bustest.Run(t, func(t *testing.T) func(string) bus.Bus {
		url := nats(t, t.TempDir())
		return func(name string) bus.Bus {
			return join(t, natsbus.Options{URL: url, Self: bus.Member{Name: name}})
		}
	})
}

// An embedded server keeps, in its directory, what happened before a restart.
func TestEmbedded(t *testing.T) {
	dir := t.TempDir()
	for run := range 3 {
		b := join(t, natsbus.Options{URL: "embedded:" + dir, Self: bus.Member{Name: "alone"}})
		seen := make(chan string, 10)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- b.Watch(ctx, bus.Watcher{Event: func(e wire.Event) { seen <- string(e.Data) }, Lost: func(uint64) {}})
		}()
		for before := range run {
			if got := <-seen; got != fmt.Sprint(before) {
				t.Errorf("run %d: %s, want %d", run, got, before)
			}
		}
		b.Publish(&wire.Event{Kind: wire.Data, Data: fmt.Append(nil, run)})
		stop()
		<-ended
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// What keeps a member out says so.
func TestJoinFails(t *testing.T) {
	deaf, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	deaf.Start()
	defer deaf.WaitForShutdown()
	defer deaf.Shutdown()
	if !deaf.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	for url, want := range map[string]string{
		"nats://anna:secret@127.0.0.1:1": "bus nats://127.0.0.1:1: no server answers",
		deaf.ClientURL():                 "JetStream",
		"nats://:bad:url":                "bus nats://:bad:url: ",
		"embedded:/dev/null/x":           "bus embedded:/dev/null/x: ",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		b, err := natsbus.Join(ctx, natsbus.Options{URL: url})
		cancel()
		if err == nil {
			_ = b.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
