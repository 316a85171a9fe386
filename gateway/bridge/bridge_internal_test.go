package bridge

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
)

// guest is a session that ends when it is told to.
type guest struct{ left chan struct{} }

func (g guest) leave() { close(g.left) }
func (g guest) cut()   {}

// A shutdown that begins while a page is upgraded reaches it too.
func TestShutdownReachesWhoIsComing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{}
		if !b.enter() {
			t.Fatal("a page is not let in")
		}
		over := make(chan error)
		go func() { over <- b.Shutdown(t.Context()) }()
		synctest.Wait()
		if b.enter() {
			t.Error("a page is let in while the bridge leaves")
		}
		g := guest{make(chan struct{})}
		b.host(g, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), func() { <-g.left })
		b.running.Done()
		if err := <-over; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
