package bridge

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// guest is a session that ends when it is told to.
type guest struct{ left, gone chan struct{} }

func (g guest) leave(int, string)              { close(g.left) }
func (g guest) cut()                           { close(g.gone) }
func (g guest) bytes() (up, down uint64)       { return 0, 0 }
func (g guest) ping()                          {}
func (g guest) look(time.Time, *Limits) string { return "" }

// A shutdown that begins, or ends, while a page is upgraded reaches it too.
func TestShutdownReachesWhoIsComing(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := &Bridge{}
			r := httptest.NewRequest("GET", "/ws", nil)
			p, full := b.enter(r, nil)
			if full != nil {
				t.Fatal(full)
			}
			grace, end := context.WithCancel(t.Context())
			defer end()
			over := make(chan error)
			go func() { over <- b.Shutdown(grace) }()
			synctest.Wait()
			if _, full := b.enter(r, nil); full != errLeaving {
				t.Errorf("while the bridge leaves a page gets %v, want %v", full, errLeaving)
			}
			if late {
				end()
				synctest.Wait()
			}
			g := guest{make(chan struct{}), make(chan struct{})}
			b.host(g, p, func() {
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
