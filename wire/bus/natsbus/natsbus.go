// Package natsbus is a fleet over NATS (https://nats.io): its members are
// processes on any machine that reaches one of the servers. JetStream keeps the
// events, on several servers if there are three; a key-value bucket has presence,
// counts and leases, which end by themselves with whoever had them.
package natsbus

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"porthole/wire/bus"
	"porthole/wire/tap"
)

// Names in NATS. Whoever comes first makes the stream and the bucket; those that
// come later take them as they are (nats stream edit changes them).
const (
	stream  = "PORTHOLE"
	subject = "porthole.events." // and the publisher's id
	bucket  = "porthole"
)

// Options say which fleet to join, and as whom.
type Options struct {
	// URL is where the servers are, as nats://a:4222,b:4222,c:4222, or "embedded"
	// for one of this process's own, or "embedded:DIR" for one that keeps its
	// history in a directory.
	URL string
	// Credentials is a file with what the servers want to see (NATS calls it
	// creds). If empty, what the URL has.
	Credentials string
	// Self is this member; its number is given.
	Self bus.Member
	// History is how many messages of events, of one or more each, are read again
	// by who begins to watch. If zero, 4096.
	History int
	// Age and Bytes bound the history of a stream that is made. If zero, an hour
	// and 256 MiB.
	Age   time.Duration
	Bytes int64
	// Lapse is after which time presence, counts and leases of a member end that
	// is not heard of. If zero, 10 s.
	Lapse time.Duration
	// Logger is told when the fleet cannot be reached, and can be again. If nil,
	// no one is.
	Logger *slog.Logger
}

// Bus is a member of the fleet.
type Bus struct {
	o       Options
	self    bus.Member
	id      string // of this run of the process, never used again
	machine string // whose clock its times are of

	server *server.Server // nil unless it is our own
	conn   *nats.Conn
	js     jetstream.JetStream
	kv     jetstream.KeyValue

	out    outbox
	census census
	leases leases

	ctx   context.Context // ends when the member has left
	leave context.CancelFunc
	work  sync.WaitGroup
}

// Join makes this process a member. It waits for a server until ctx ends. The
// caller ends it with Close.
func Join(ctx context.Context, o Options) (_ *Bus, err error) {
	o.History = cmp.Or(o.History, 4096)
	o.Age = cmp.Or(o.Age, time.Hour)
	o.Bytes = cmp.Or(o.Bytes, 256<<20)
	o.Lapse = cmp.Or(o.Lapse, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Bus{o: o, self: o.Self, id: rand.Text(), machine: tap.Host()}
	b.ctx, b.leave = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			b.end()
		}
	}()
	if err := b.connect(ctx); err != nil {
		return nil, fmt.Errorf("bus %s: %w", redact(o.URL), err)
	}
	if err := b.prepare(ctx); err != nil {
		return nil, fmt.Errorf("bus %s: %w\n  does its server run with JetStream (nats-server -js)?", redact(o.URL), err)
	}
	b.out.init()
	b.work.Go(b.publish)
	b.work.Go(b.keep)
	b.work.Go(b.follow)
	return b, nil
}

// redact is a URL that may be logged.
func redact(url string) string {
	var list []string
	for one := range strings.SplitSeq(url, ",") {
		if scheme, rest, ok := strings.Cut(one, "://"); ok {
			one = scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
		} else {
			one = one[strings.LastIndexByte(one, '@')+1:]
		}
		list = append(list, one)
	}
	return strings.Join(list, ",")
}

// connect reaches a server, and goes on trying to whenever it is lost.
func (b *Bus) connect(ctx context.Context) (err error) {
	options := []nats.Option{
		nats.Name("porthole " + b.self.Kind + " " + b.self.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		nats.ReconnectBufSize(-1), // what is lost with a server is sent again by us
		nats.RetryOnFailedConnect(true),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.ctx.Err() == nil {
				b.o.Logger.Warn("the bus cannot be reached, trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { b.o.Logger.Info("the bus is reached again", "server", c.ConnectedUrlRedacted()) }),
	}
	if b.o.Credentials != "" {
		options = append(options, nats.UserCredentials(b.o.Credentials))
	}
	url := b.o.URL
	if dir, ok := embedded(url); ok {
		if b.server, err = serve(ctx, dir, b.o.Bytes); err != nil {
			return err
		}
		url = ""
		options = append(options, nats.InProcessServer(b.server))
	}
	up := make(chan struct{})
	options = append(options, nats.ConnectHandler(func(*nats.Conn) { close(up) }))
	if b.conn, err = nats.Connect(url, options...); err != nil {
		return err
	}
	select {
	case <-up:
	case <-ctx.Done():
		return errors.Join(errors.New("no server answers"), b.conn.LastError())
	}
	b.js, err = jetstream.New(b.conn)
	return err
}

// prepare makes the stream and the bucket, unless they are there, and finds a
// number for this member.
func (b *Bus) prepare(ctx context.Context) error {
	replicas := 1
	if strings.Count(b.o.URL, ",") >= 2 {
		replicas = 3
	}
	storage := jetstream.FileStorage
	if b.o.URL == "embedded" {
		storage = jetstream.MemoryStorage
	}
	err := b.retry(ctx, func() error {
		_, err := b.js.Stream(ctx, stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{
				Name: stream, Subjects: []string{subject + "*"}, Storage: storage, Replicas: replicas,
				MaxAge: b.o.Age, MaxBytes: b.o.Bytes, Discard: jetstream.DiscardOld,
				Duplicates: min(2*time.Minute, b.o.Age),
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	err = b.retry(ctx, func() (err error) {
		b.kv, err = b.js.KeyValue(ctx, bucket)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			b.kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: bucket, TTL: b.o.Lapse, Storage: storage, Replicas: replicas,
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.retry(ctx, func() error { return b.enter(ctx) })
}

// retry tries until ctx ends: a cluster that has just come up, or has lost a
// server, chooses a leader first.
func (b *Bus) retry(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || ctx.Err() != nil || errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Close is that of a [bus.Bus].
func (b *Bus) Close(ctx context.Context) error {
	err := b.out.close(ctx)
	b.leave()
	b.work.Wait()
	b.quit(ctx)
	b.end()
	return err
}

// end ends what Join has begun.
func (b *Bus) end() {
	b.leave()
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

// Stats is that of a [bus.Bus].
func (b *Bus) Stats() bus.Stats { return b.out.count() }
