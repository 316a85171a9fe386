package bustest

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS starts a server of NATS with JetStream, which keeps what it has in dir, at a
// port of the loopback; any is -1. The test ends it, if stop has not.
func NATS(t *testing.T, dir string, port int) (url string, stop func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	stop = func() {
		s.Shutdown()
		s.WaitForShutdown()
	}
	t.Cleanup(stop)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL(), stop
}
