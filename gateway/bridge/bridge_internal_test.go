package bridge

import (
	"context"
	"testing"
	"testing/synctest"
)

// guest is a session that ends when it is told to.
type guest struct{ left, gone chan struct{} }

func (g guest) leave() { close(g.left) }
func (g guest) cut()   { close(g.gone) }

// A shutdown that begins, or ends, while a page is upgraded reaches it too.
func TestShutdownReachesWhoIsComing(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := &Bridge{}
			if !b.enter() {
				t.Fatal("a page is not let in")
			}
			grace, end := context.WithCancel(t.Context())
			defer end()
			over := make(chan error)
			go func() { over <- b.Shutdown(grace) }()
			synctest.Wait()
			if b.enter() {
				t.Error("a page is let in while the bridge leaves")
			}
			if late {
				end()
				synctest.Wait()
			}
			g := guest{make(chan struct{}), make(chan struct{})}
			b.host(g, "peer", func() {
				<-g.left
				if late {
					<-g.gone
				}
			})
			if got, want := <-over, grace.Err(); got != want {
				t.Errorf("Shutdown: %v, want %v", got, want)
			}
		})
	}
}
