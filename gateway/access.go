package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"porthole/gateway/bridge"
)

// access is for those who have a key. They show it as a bearer token (RFC 6750),
// or have a cookie for it, or a ticket: it is never in an address, which is
// logged and kept in histories.
type access struct {
	keys   *keys
	age    time.Duration                // of a cookie
	cookie func(r *http.Request) string // its name

	mu      sync.Mutex
	tickets map[string]ticket
	issued  []string // those of tickets, and some that are gone, the oldest first
}

// ticket opens one WebSocket, soon.
type ticket struct {
	grant *bridge.Grant
	until time.Time
}

const (
	ticketAge      = 30 * time.Second
	ticketProtocol = "ticket." // in front of it, among the subprotocols
	maxTickets     = 1 << 16   // of the last half minute
)

// errAccess is for who has shown nothing, or nothing that holds.
var errAccess = errors.New("this gateway is for those who have a key: show it as Authorization: Bearer, or the cookie of /login, or offer a ticket")

// authenticate is a bridge's: also a ticket will do.
func (a *access) authenticate(r *http.Request) (*bridge.Grant, error) {
	for _, h := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(h, ",") {
			if t, ok := strings.CutPrefix(strings.TrimSpace(offer), ticketProtocol); ok {
				return a.redeem(t)
			}
		}
	}
	return a.known(r)
}

// known is what the bearer of a key or a cookie may do.
func (a *access) known(r *http.Request) (*bridge.Grant, error) {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if u := a.keys.bearer(key); u != nil {
			return a.grant(u, time.Time{}), nil
		}
		return nil, errAccess
	}
	for _, c := range r.Cookies() {
		if c.Name != a.cookie(r) {
			continue
		}
		if u, until := a.read(c.Value); u != nil {
			return a.grant(u, until), nil
		}
	}
	return nil, errAccess
}

// password is what a user may do whose name and key are a client's user and password;
// nil if they are no one's.
func (a *access) password(name, key string) *bridge.Grant {
	if u := a.keys.bearer(key); u != nil && u.name == name {
		return a.grant(u, time.Time{})
	}
	return nil
}

// grant is what a user may do until then; for as long as he has his key if that
// is zero.
func (a *access) grant(u *user, until time.Time) *bridge.Grant {
	return &bridge.Grant{User: u.name, Targets: u.targets, Watch: u.watch, Holds: func(now time.Time) bool {
		return (until.IsZero() || now.Before(until)) && a.keys.holds(u)
	}}
}

// A cookie says who has it and until when, and is signed with his key: it holds
// for as long as that does, here and wherever the key is known.

// sign is a cookie's value.
func sign(u *user, until time.Time) string {
	text := u.name + "." + strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(u.key))
	mac.Write([]byte("porthole cookie " + text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// read is whose cookie it is and until when; no one's if it does not hold.
func (a *access) read(value string) (*user, time.Time) {
	name, rest, _ := strings.Cut(value, ".")
	second, _, _ := strings.Cut(rest, ".")
	unix, err := strconv.ParseInt(second, 10, 64)
	until := time.Unix(unix, 0)
	u := a.keys.named(name)
	if err != nil || u == nil || !time.Now().Before(until) || !hmac.Equal([]byte(value), []byte(sign(u, until))) {
		return nil, time.Time{}
	}
	return u, until
}

// errTickets is for those who ask for tickets without end.
var errTickets = errors.New("too many tickets were asked for; try again in half a minute")

// issue makes a ticket.
func (a *access) issue(g *bridge.Grant) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for len(a.issued) > 0 && !now.Before(a.tickets[a.issued[0]].until) { // over, or gone
		delete(a.tickets, a.issued[0])
		a.issued = a.issued[1:]
	}
	if len(a.issued) >= maxTickets {
		return "", errTickets
	}
	if a.tickets == nil {
		a.tickets = map[string]ticket{}
	}
	t := rand.Text()
	a.tickets[t] = ticket{g, now.Add(ticketAge)}
	a.issued = append(a.issued, t)
	return t, nil
}

// redeem takes a ticket, which is good once.
func (a *access) redeem(t string) (*bridge.Grant, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, ok := a.tickets[t]
	delete(a.tickets, t)
	now := time.Now()
	if !ok || !now.Before(of.until) || !of.grant.Holds(now) {
		return nil, errors.New("this ticket is not good: one is for a single WebSocket, within 30 seconds")
	}
	return of.grant, nil
}
