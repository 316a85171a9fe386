package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"porthole/gateway/bridge"
)

// secureCookie is one that a browser takes over TLS only, from this very host
// (RFC 6265bis §4.1.3.2).
const (
	plainCookie  = "porthole"
	secureCookie = "__Host-porthole"
)

// login has what shows the way in, and out: /login, /logout and /ticket. page
// has the form.
func (g *gateway) login(r chi.Router, page http.Handler) {
	sameSite := http.NewCrossOriginProtection() // a cookie is no stranger's to set, or to use
	r.Group(func(r chi.Router) {
		r.Use(sameSite.Handler, small)
		r.Post("/login", g.logIn)
		r.Post("/logout", g.logOut)
		r.Post("/ticket", g.ticket)
	})
	r.Get("/login", page.ServeHTTP)
}

// small bounds what is sent to us: there is no reason for more.
func small(next http.Handler) http.Handler {
	return http.MaxBytesHandler(next, 4<<10)
}

// known lets those pass who have a key, or a cookie; a person is shown where to
// get one.
func (g *gateway) known(next http.Handler) http.Handler {
	if g.access == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := g.access.known(r)
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			w.Header().Set("Cache-Control", "no-store")
			away(w, "login")
		default:
			g.unknown(w, r, err)
		}
	})
}

func (g *gateway) unknown(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750 §3
	g.bridge.Refuse(w, r, "access", http.StatusUnauthorized, err)
}

// away sends a visitor on, to what is beside where he is: a proxy may know it by
// another path than we do.
func away(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// logIn gives a cookie for a key.
func (g *gateway) logIn(w http.ResponseWriter, r *http.Request) {
	u := g.access.keys.bearer(r.PostFormValue("key"))
	if u == nil {
		g.logger.Warn("login refused", "peer", g.bridge.Policy.Client(r))
		away(w, "login#key")
		return
	}
	g.logger.Info("login", "user", u.name, "peer", g.bridge.Policy.Client(r))
	until := time.Now().Add(g.access.age)
	g.setCookie(w, r, sign(u, until), int(g.access.age.Seconds()))
	away(w, "./")
}

// logOut takes the cookie away.
func (g *gateway) logOut(w http.ResponseWriter, r *http.Request) {
	g.setCookie(w, r, "", -1)
	away(w, "login")
}

func (g *gateway) setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	name := g.cookieName(r)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: name == secureCookie, SameSite: http.SameSiteStrictMode,
	})
}

func (g *gateway) cookieName(r *http.Request) string {
	if g.bridge.Policy.Scheme(r) == "https" {
		return secureCookie
	}
	return plainCookie
}

// ticket makes a ticket for who has a key: his own server gives it to his page,
// which need not know the key. It may be for some of his targets only.
func (g *gateway) ticket(w http.ResponseWriter, r *http.Request) {
	grant, err := g.access.known(r)
	if err != nil {
		g.unknown(w, r, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var narrowed []bridge.Target
	for _, s := range r.PostForm["target"] {
		t, err := bridge.ParseTarget(s)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if own := grant.Targets; len(own) > 0 && !slices.ContainsFunc(own, func(l bridge.Target) bool { return l.Lists(t) }) {
			http.Error(w, t.String()+": "+bridge.ErrTarget.Error(), http.StatusForbidden)
			return
		}
		narrowed = append(narrowed, t)
	}
	if len(narrowed) > 0 {
		grant.Targets = narrowed
	}
	t, err := g.access.issue(grant)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct { // a client that has gone needs no answer
		Protocol string `json:"protocol"` // to offer, beside porthole.v1 or binary
		Expires  int    `json:"expires_in"`
	}{ticketProtocol + t, int(ticketAge.Seconds())})
}
