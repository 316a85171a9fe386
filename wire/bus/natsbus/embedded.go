package natsbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded tells whether a URL is for a server of this process's own, and where
// that keeps what it has; nowhere if dir is empty.
func embedded(url string) (dir string, ok bool) {
	if url == "embedded" {
		return "", true
	}
	return strings.CutPrefix(url, "embedded:")
}

// serve starts a server that only this process reaches. Its directory is a
// temporary one if it is to keep nothing.
func serve(ctx context.Context, dir string, bytes int64) (*server.Server, error) {
	o := &server.Options{
		ServerName: "porthole", DontListen: true, JetStream: true, NoSigs: true, NoLog: true,
		StoreDir: dir, JetStreamMaxMemory: 2*bytes + 64<<20, JetStreamMaxStore: 2*bytes + 64<<20,
	}
	if dir == "" {
		temporary, err := os.MkdirTemp("", "porthole-bus-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(temporary) // the server keeps what it needs in memory
		o.StoreDir = temporary
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.Start()
	for !s.ReadyForConnections(100 * time.Millisecond) {
		if ctx.Err() != nil {
			s.Shutdown()
			return nil, errors.New("the embedded server does not start")
		}
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("the embedded server cannot keep anything in %s: is another process using it?", o.StoreDir)
	}
	return s, nil
}
