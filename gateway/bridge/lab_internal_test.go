package bridge

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// How often the kernels are asked is bounded, and the newest wish counts.
func TestSamplePeriod(t *testing.T) {
	if !tap.KernelTells {
		t.Skip("this system's kernel does not tell")
	}
	s := newSession(&Bridge{Log: &tap.Log{}}, nil, newScript())
	defer s.stop()
	s.periods = make(chan time.Duration, 1) // no one takes from it
	for ms, want := range map[uint64]time.Duration{
		0: 0, 1: minSample, 20: minSample, 200: 200 * time.Millisecond, 1 << 63: maxSample,
	} {
		for _, ms := range []uint64{7, ms} {
			rest := wire.Append(nil, wire.OpObserve, 0, &wire.Observe{Sample: ms})[2:]
			if err := s.observe(rest); err != nil {
				t.Fatal(err)
			}
		}
		if got := <-s.periods; got != want {
			t.Errorf("%d ms asked: %v, want %v", ms, got, want)
		}
	}
}

// thirsty is a socket whose kernel takes bytes when it is told to.
type thirsty struct {
	net.Conn
	takes chan int
}

func (c thirsty) CloseWrite() error { return nil }

func (c thirsty) Write(p []byte) (n int, err error) {
	for n < len(p) {
		more, ok := <-c.takes
		if !ok {
			return n, net.ErrClosed
		}
		n += min(more, len(p)-n)
	}
	return n, nil
}

// Drain is reported when as many bytes as Node lets wait have waited, and all
// of them are taken: once, and not to a page that has ended its side.
func TestDrain(t *testing.T) {
	const half = highWater / 2
	for _, tt := range []struct {
		name  string
		sizes []int // of the page's messages
		fin   bool
		want  int
	}{
		{"less than it takes", []int{half, half - 1}, false, 0},
		{"just enough", []int{half, half}, false, 1},
		{"much", []int{half, half, half, half, half}, false, 1},
		{"ended behind it", []int{half, half}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSession(&Bridge{}, nil, newScript())
				defer s.stop()
				ours, peer := net.Pipe()
				defer peer.Close()
				conn := thirsty{ours, make(chan int)}
				var kinds []wire.Kind
				st := newStream(s, 1, wire.Dial{Window: wire.Window})
				st.join(tap.Client(conn, 1, tap.Now(), func(e wire.Event) {
					if e.Side == wire.Client && (e.Kind == wire.Drain || e.Kind == wire.CallWrite) {
						kinds = append(kinds, e.Kind)
					}
				}))
				st.release = func() {}
				s.work.Go(st.carry)
				var want []wire.Kind
				for range 2 { // it comes again
					total := 0
					for _, n := range tt.sizes {
						if err := st.handle(wire.OpData, make([]byte, n)); err != nil {
							t.Fatal(err)
						}
						total += n
						want = append(want, wire.CallWrite)
					}
					if tt.fin {
						if err := st.handle(wire.OpFin, nil); err != nil {
							t.Fatal(err)
						}
					}
					for range tt.want {
						want = append(want, wire.Drain)
					}
					for total > 0 {
						conn.takes <- half / 4
						total -= half / 4
						synctest.Wait()
					}
					if tt.fin {
						break
					}
				}
				if !slices.Equal(kinds, want) {
					t.Errorf("got %v, want %v", kinds, want)
				}
				close(conn.takes)
				st.end(wire.ReasonGone)
				s.work.Wait()
			})
		})
	}
}
