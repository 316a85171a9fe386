package main

import (
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"

	"porthole/web"
)

// routes are what the gateway answers. Every one of them judges the Host first,
// because a rebound name would pass for ours everywhere else.
func (g *gateway) routes(page *web.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(g.knownHost)
	r.Handle("/ws", g.bridge)
	for path, h := range g.others {
		r.Handle(path, h)
	}
	if g.Events {
		r.With(g.known).Get("/events", g.events)
	}
	if g.access != nil {
		g.login(r, page)
	} else {
		r.Handle("/login", http.NotFoundHandler())
	}
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "ok\n") // a client that has gone needs no answer
	})
	r.With(g.known).Handle("/", page)
	r.With(g.known).Handle("/play", page)
	r.Handle("/*", page)
	return r
}

func (g *gateway) knownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000") // a year
		}
		if err := g.bridge.Policy.CheckHost(r); err != nil {
			g.bridge.Refuse(w, r, "host", http.StatusMisdirectedRequest, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// events streams what all sockets do. That is everyone's bytes, so it is for
// this machine alone, or who may watch, and for no page of another site.
func (g *gateway) events(w http.ResponseWriter, r *http.Request) {
	if !g.bridge.Open && !g.watcher(r) {
		http.Error(w, "events are told on a gateway that only its own machine can reach, or to who may watch (--keys)", http.StatusForbidden)
		return
	}
	program := g.access != nil && r.Header.Values("Origin") == nil // it has shown who it is
	if err := g.bridge.Policy.CheckOrigin(r); err != nil && !program {
		g.bridge.Refuse(w, r, "origin", http.StatusForbidden, err)
		return
	}
	g.log.ServeHTTP(w, r)
}

// watcher tells whether a request is of someone who may see all events.
func (g *gateway) watcher(r *http.Request) bool {
	if g.access == nil {
		return false
	}
	grant, err := g.access.known(r)
	return err == nil && grant.Watch
}
