package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"porthole/gateway/bridge"
)

// metrics are what a monitor reads: of the process, and of the bridge.
type metrics struct {
	*prometheus.Registry
	dials *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{prometheus.NewRegistry(), prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "porthole_dial_seconds",
		Help:    "How long dials of listed targets took, resolution included, by what failed; code is empty where nothing did.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8), // to 8 s
	}, []string{"phase", "code"})}
	m.MustRegister(m.dials, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// dialled is for [bridge.Bridge.Dialled].
func (m *metrics) dialled(phase, code string, took time.Duration) {
	m.dials.WithLabelValues(phase, code).Observe(took.Seconds())
}

// bridgeMetrics reads a bridge's Stats when it is asked.
type bridgeMetrics struct{ *bridge.Bridge }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("porthole_"+name, help, labels, nil)
}

var (
	sessionsDesc = desc("sessions", "WebSockets that are open.")
	streamsDesc  = desc("streams", "Sockets of porthole.v1 sessions that are open.")
	bytesDesc    = desc("bytes_total", "Bytes of payload: up from pages to sockets, down from sockets to pages.", "direction")
	refusedDesc  = desc("refused_total", "What was refused, and sessions that were ended for what they did.", "reason")
	stallsDesc   = desc("credit_stalls_total", "How often a socket was not read because its page gave no credit.")
	lostDesc     = desc("events_lost_total", "Events that pages were too slow for.")
)

func (bridgeMetrics) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sessionsDesc, streamsDesc, bytesDesc, refusedDesc, stallsDesc, lostDesc} {
		all <- d
	}
}

func (b bridgeMetrics) Collect(all chan<- prometheus.Metric) {
	s := b.Stats()
	put := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	put(sessionsDesc, prometheus.GaugeValue, float64(s.Sessions))
	put(streamsDesc, prometheus.GaugeValue, float64(s.Streams))
	put(bytesDesc, prometheus.CounterValue, float64(s.BytesUp), "up")
	put(bytesDesc, prometheus.CounterValue, float64(s.BytesDown), "down")
	for reason, n := range s.Refused {
		put(refusedDesc, prometheus.CounterValue, float64(n), reason)
	}
	put(stallsDesc, prometheus.CounterValue, float64(s.Stalls))
	put(lostDesc, prometheus.CounterValue, float64(s.Lost))
}

// administer serves operators at --admin, if that is given. Its server is for the
// caller to close.
func (g *gateway) administer(ctx context.Context) (*http.Server, error) {
	server := g.server(g.adminRoutes())
	if g.Admin == "" {
		return server, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", g.Admin)
	if err != nil {
		return nil, explain(err, "--admin")
	}
	if own, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
		g.bridge.Policy.Own = append(g.bridge.Policy.Own, own)
	}
	g.logger.Info("operators are served", "addr", l.Addr())
	go func() { _ = server.Serve(l) }() // until it is closed
	return server, nil
}

// adminRoutes are for operators and their tools, on a listener of their own.
func (g *gateway) adminRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(g.knownHost)
	r.Handle("/metrics", promhttp.HandlerFor(g.metrics, promhttp.HandlerOpts{Registry: g.metrics}))
	r.Get("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if g.leaving.Load() {
			http.Error(w, "leaving", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n") // a client that has gone needs no answer
	})
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	r.HandleFunc("/debug/pprof/*", pprof.Index)
	return r
}
