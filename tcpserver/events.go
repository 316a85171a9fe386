package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"porthole/wire/tap"
)

const (
	// headerWait is how long a reader may take to ask.
	headerWait = 5 * time.Second
	// flushWait is how long readers have to take the last events.
	flushWait = 500 * time.Millisecond
)

// listenEvents listens for readers of the events; with no addr, for none.
func listenEvents(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	return listen(ctx, addr, "--events")
}

// eventsURL is what curl(1) takes to read the events that l serves, which is
// reached as own.
func eventsURL(own string, l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "--unix-socket " + own + " http://localhost/events"
	}
	return "http://" + own + "/events"
}

// serveEvents serves the log at /events, and at / for those who forget, until
// the context ends and the readers have what was logged by then. It owns l,
// which is reached as own.
func serveEvents(ctx context.Context, l net.Listener, own string, log *tap.Log, logger *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("/events", log)
	mux.Handle("/{$}", log)
	addr, tcp := l.Addr().(*net.TCPAddr)
	server := http.Server{
		Handler:           known(own, tcp && addr.IP.IsUnspecified(), mux),
		ReadHeaderTimeout: headerWait,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWait)
		defer cancel()
		if server.Shutdown(wait) != nil {
			_ = server.Close() // the readers that were too slow
		}
	})
	if err := server.Serve(l); err != http.ErrServerClosed {
		failed(logger, slog.LevelWarn, "no events", err)
	}
	if !stop() {
		<-ended
	}
}

// known passes on requests for the Host that own names, or loopback, and refuses
// others: a page whose name is made to resolve to this machine (DNS rebinding)
// names itself there. It has a name for that, so where all addresses are
// listened on, a bare one is no such page.
func known(own string, all bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		ip := net.ParseIP(host)
		switch {
		case strings.EqualFold(host, "localhost"), strings.EqualFold(host, hostname(own)):
		case ip != nil && (all || ip.IsLoopback()):
		default:
			http.Error(w, "this Host is not served here", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is a Host without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}
