package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"porthole/wire/bus"
	"porthole/wire/bus/natsbus"
	"porthole/wire/tap"
)

const (
	// busWait is how long the bus may take to be reached at start.
	busWait = 20 * time.Second
	// leaveWait is how long the last events may take to reach it.
	leaveWait = 5 * time.Second
)

// join tells the events of log to the fleet of --bus, if there is one. leave says
// goodbye, once they are told.
func join(ctx context.Context, o options, name string, log *tap.Log, logger *slog.Logger) (leave func(), err error) {
	if o.Bus == "" {
		return func() {}, nil
	}
	if strings.HasPrefix(o.Bus, "embedded") {
		return nil, errors.New("--bus embedded: a bus of this server's own would tell no one; give the URL of the fleet's")
	}
	wait, cancel := context.WithTimeout(ctx, busWait)
	defer cancel()
	b, err := natsbus.Join(wait, natsbus.Options{
		URL: o.Bus, Credentials: o.BusCreds, Logger: logger,
		Self: bus.Member{Kind: "tcpserver", Name: name},
	})
	if err != nil {
		return nil, fmt.Errorf("--bus: %w", err)
	}
	log.Also = b.Publish
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWait)
		defer cancel()
		err := b.Close(ctx)
		s := b.Stats()
		logger.Info("bus", "published", s.Published, "acknowledged", s.Acknowledged, "dropped", s.Dropped)
		if err != nil {
			logger.Warn("the bus does not have all events", "error", err)
		}
	}, nil
}
