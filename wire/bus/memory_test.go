package bus_test

import (
	"testing"

	"go.uber.org/goleak"

	"porthole/internal/bustest"
	"porthole/wire"
	"porthole/wire/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	bustest.Run(t, func(*testing.T) func(string) bus.Bus {
		m := &bus.Memory{History: 1000}
		return func(name string) bus.Bus { return m.Join(bus.Member{Kind: "test", Name: name}) }
	})
}

// What a single member publishes costs next to nothing.
func BenchmarkAlone(b *testing.B) {
	alone := new(bus.Memory).Join(bus.Member{})
	e := &wire.Event{Kind: wire.Data, Data: make([]byte, 100)}
	b.ReportAllocs()
	for b.Loop() {
		alone.Publish(e)
	}
}
