package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestKnownHosts(t *testing.T) {
	const own = "tester.example:1235"
	tests := []struct {
		host       string
		one, every int // status where one address is listened on, and where all are
	}{
		{"localhost", 200, 200},
		{"localhost:1235", 200, 200},
		{"LocalHost:80", 200, 200},
		{"127.0.0.1:1235", 200, 200},
		{"127.9.9.9", 200, 200},
		{"[::1]:1235", 200, 200},
		{"[::1]", 200, 200},
		{"tester.example", 200, 200},
		{"tester.example:80", 200, 200},
		{"192.0.2.7:1235", 421, 200},
		{"[2001:db8::1]:1235", 421, 200},
		{"rebound.example:1235", 421, 421},
		{"localhost.rebound.example", 421, 421},
		{"127.0.0.1.rebound.example", 421, 421},
		{"localhost.", 421, 421},
		{"", 421, 421},
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, tt := range tests {
		for all, want := range map[bool]int{false: tt.one, true: tt.every} {
			r := httptest.NewRequest(http.MethodGet, "/events", nil)
			r.Host = tt.host
			w := httptest.NewRecorder()
			known(own, all, ok).ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("Host %q (all %v): %d, want %d", tt.host, all, w.Code, want)
			}
		}
	}
}
